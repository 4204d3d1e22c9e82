/** Makes the first three numbers of a vector one of unit length, in place; zeros stay. */
export function normalise(vector: Float64Array): void {
  const length = Math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2) || 1;
  for (let k = 0; k < 3; k++) vector[k] /= length;
}
