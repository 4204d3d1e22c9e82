import { mat4 } from 'gl-matrix';

export const IDENTITY: readonly number[] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

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

/** The camera's place in world space: -R' t of a rigid [R t]. */
export function cameraPlace(m: ArrayLike<number>): [number, number, number] {
  const along = (column: number) => -(m[4 * column] * m[12] + m[4 * column + 1] * m[13] + m[4 * column + 2] * m[14]);
  return [along(0), along(1), along(2)];
}
