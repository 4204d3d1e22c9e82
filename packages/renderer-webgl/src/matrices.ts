import { mat4 } from 'gl-matrix';

/** a b, column-major, in double precision. */
export function multiply4(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  const out = Array.from(a) as unknown as mat4;
  mat4.multiply(out, out, Array.from(b) as unknown as mat4);
  return Float64Array.from(out);
}

/** The inverse, in double precision. */
export function invert4(m: ArrayLike<number>): Float64Array {
  const out = Array.from(m) as unknown as mat4;
  mat4.invert(out, out);
  return Float64Array.from(out);
}
