/** `points + step * directions`, row by row. `[N, 3]`, `[N, 3]`, a number or `[N]` -> `[N, 3]` */
export function moved(points: Float32Array, directions: Float32Array, step: number | Float32Array): Float32Array {
  return points.map((x, i) => x + (typeof step === 'number' ? step : step[(i / 3) | 0]) * directions[i]);
}

/** The chosen rows of `[N, size]`. */
export function rows(values: Float32Array, chosen: ArrayLike<number>, size = 3): Float32Array {
  const result = new Float32Array(size * chosen.length);
  for (let i = 0; i < chosen.length; i++) {
    result.set(values.subarray(size * chosen[i], size * (chosen[i] + 1)), size * i);
  }
  return result;
}

/** Unit vectors; zero stays. `[N, 3]` -> `[N, 3]` */
export function normalized(vectors: Float32Array): Float32Array {
  const result = vectors.slice();
  for (let i = 0; i < result.length; i += 3) {
    const length = Math.hypot(result[i], result[i + 1], result[i + 2]) || 1;
    for (let k = 0; k < 3; k++) result[i + k] /= length;
  }
  return result;
}

/** Row-wise products. `[N, 3]`, `[N, 3]` -> `[N]` */
export function dots(a: Float32Array, b: Float32Array): Float32Array {
  return Float32Array.from({ length: a.length / 3 }, (_, i) => {
    const at = 3 * i;
    return a[at] * b[at] + a[at + 1] * b[at + 1] + a[at + 2] * b[at + 2];
  });
}

/** Row-wise distances. `[N, 3]`, `[N, 3]` -> `[N]` */
export function distancesBetween(a: Float32Array, b: Float32Array): Float32Array {
  return Float32Array.from({ length: a.length / 3 }, (_, i) =>
    Math.hypot(a[3 * i] - b[3 * i], a[3 * i + 1] - b[3 * i + 1], a[3 * i + 2] - b[3 * i + 2]),
  );
}

/** Indices of the rows that pass. */
export function indicesWhere(count: number, passes: (index: number) => boolean): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i).filter(passes);
}
