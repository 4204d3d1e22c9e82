import { determinant, Matrix, SVD } from 'ml-matrix';

/** y = scale * rotation * x + translation. */
export interface Similarity {
  scale: number;
  /** `[3, 3]` row-major. */
  rotation: Float64Array;
  /** `[3]` */
  translation: Float64Array;
}

/**
 * The similarity that brings points nearest to others in the sum of squares (Umeyama 1991).
 *
 * @param from - `[N, 3]`, not all on a line.
 * @param to - `[N, 3]`
 */
export function alignSimilarity(from: ArrayLike<number>, to: ArrayLike<number>): Similarity {
  const count = from.length / 3;
  const mean = (points: ArrayLike<number>) => {
    const sum = [0, 0, 0];
    for (let i = 0; i < points.length; i++) sum[i % 3] += points[i] / count;
    return sum;
  };
  const [a, b] = [mean(from), mean(to)];
  const cross = Matrix.zeros(3, 3);
  let variance = 0;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < 3; i++) {
      variance += (from[3 * n + i] - a[i]) ** 2;
      for (let j = 0; j < 3; j++) {
        cross.set(i, j, cross.get(i, j) + (to[3 * n + i] - b[i]) * (from[3 * n + j] - a[j]));
      }
    }
  }
  const svd = new SVD(cross);
  const [u, v] = [svd.leftSingularVectors, svd.rightSingularVectors];
  const flip = Math.sign(determinant(u) * determinant(v));
  const s = svd.diagonal;
  const scale = (s[0] + s[1] + flip * s[2]) / variance;
  const rotation = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) rotation[3 * i + j] += u.get(i, k) * (k === 2 ? flip : 1) * v.get(j, k);
    }
  }
  const translation = Float64Array.from(b, (y, i) => {
    const row = rotation.subarray(3 * i, 3 * i + 3);
    return y - scale * (row[0] * a[0] + row[1] * a[1] + row[2] * a[2]);
  });
  return { scale, rotation, translation };
}

/** Moves points `[N, 3]` by a similarity. */
export function applySimilarity(
  { scale, rotation: r, translation: t }: Similarity,
  points: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(points.length);
  for (let n = 0; n < points.length; n += 3) {
    for (let k = 0; k < 3; k++) {
      out[n + k] = scale * (r[3 * k] * points[n] + r[3 * k + 1] * points[n + 1] + r[3 * k + 2] * points[n + 2]) + t[k];
    }
  }
  return out;
}
