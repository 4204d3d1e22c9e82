import { mat4 } from 'gl-matrix';

/** a b, column-major, in double precision. */
export function multiply4(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return new Float64Array(16).map((_, i) => {
    const [row, column] = [i % 4, i - (i % 4)];
    return a[row] * b[column] + a[row + 4] * b[column + 1] + a[row + 8] * b[column + 2] + a[row + 12] * b[column + 3];
  });
}

/** The inverse, in double precision. */
export function invert4(m: ArrayLike<number>): Float64Array {
  const out = Array.from(m) as unknown as mat4;
  mat4.invert(out, out);
  return Float64Array.from(out);
}
