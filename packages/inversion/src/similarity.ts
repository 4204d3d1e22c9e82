import { determinant, Matrix, SVD } from 'ml-matrix';

/** Takes p to `scale * rotation p + translation`. */
export interface Similarity {
  scale: number;
  /** `[3, 3]` row-major. */
  rotation: Float64Array;
  /** `[3]` */
  translation: Float64Array;
}

/**
 * The similarity that brings points `[L, 3]` nearest to others in the least-squares sense; never a mirror image.
 *
 * @see Umeyama, Least-squares estimation of transformation parameters between two point patterns, 1991.
 */
export function fitSimilarity(source: ArrayLike<number>, target: ArrayLike<number>): Similarity {
  const count = source.length / 3;
  const from = centroid(source);
  const to = centroid(target);
  const cross = Matrix.zeros(3, 3);
  let variance = 0;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < 3; i++) {
      variance += (source[3 * n + i] - from[i]) ** 2;
      for (let j = 0; j < 3; j++) {
        cross.set(i, j, cross.get(i, j) + (target[3 * n + i] - to[i]) * (source[3 * n + j] - from[j]));
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
  const turned = rotate(rotation, from);
  return { scale, rotation, translation: Float64Array.from(to, (t, i) => t - scale * turned[i]) };
}

export function applySimilarity({ scale, rotation, translation }: Similarity, points: ArrayLike<number>): Float32Array {
  const out = new Float32Array(points.length);
  for (let n = 0; n < points.length; n += 3) {
    const turned = rotate(rotation, [points[n], points[n + 1], points[n + 2]]);
    for (let i = 0; i < 3; i++) out[n + i] = scale * turned[i] + translation[i];
  }
  return out;
}

function centroid(points: ArrayLike<number>): number[] {
  const sum = [0, 0, 0];
  for (let i = 0; i < points.length; i++) sum[i % 3] += points[i];
  return sum.map((s) => (3 * s) / points.length);
}

function rotate(r: Float64Array, [x, y, z]: readonly number[]): number[] {
  return [0, 3, 6].map((i) => r[i] * x + r[i + 1] * y + r[i + 2] * z);
}
