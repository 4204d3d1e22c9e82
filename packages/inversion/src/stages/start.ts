import { Matrix, SVD } from 'ml-matrix';
import type { Pose } from '../pose.js';

/** How far portraits are taken from, metres: the start, and the centre of the prior. */
export const PORTRAIT_DISTANCE = 1.2;

/**
 * A first pose from landmarks with depth: the similarity that brings the model's points to the detected ones (Umeyama 1991), seen from the distance of a portrait.
 *
 * @param points - `[L, 3]` the model's, metres.
 * @param detected - `[L, 3]` x right, y down, z away from the camera, pixels.
 * @param principalPointPx - the photo's centre.
 */
export function startPose(
  points: Float32Array,
  detected: Float32Array,
  principalPointPx: readonly [number, number],
): Pose {
  const count = points.length / 3;
  const mean = (a: Float32Array) =>
    [0, 1, 2].map((k) => a.reduce((sum, v, i) => (i % 3 === k ? sum + v : sum), 0) / count);
  const axes = [1, -1, -1]; // pixels and depth to glTF's camera axes
  const from = mean(points);
  const to = mean(detected);
  const cross = Matrix.zeros(3, 3);
  let variance = 0;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < 3; i++) {
      variance += (points[3 * n + i] - from[i]) ** 2;
      for (let j = 0; j < 3; j++) {
        cross.set(i, j, cross.get(i, j) + axes[i] * (detected[3 * n + i] - to[i]) * (points[3 * n + j] - from[j]));
      }
    }
  }
  const svd = new SVD(cross);
  const [u, v] = [svd.leftSingularVectors, svd.rightSingularVectors];
  const flip = Math.sign(determinant(u) * determinant(v));
  const s = svd.diagonal;
  const scale = (s[0] + s[1] + flip * s[2]) / variance; // pixels per metre
  const rotation = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) rotation[3 * i + j] += u.get(i, k) * (k === 2 ? flip : 1) * v.get(j, k);
    }
  }
  const turned = [0, 1, 2].map(
    (i) => rotation[3 * i] * from[0] + rotation[3 * i + 1] * from[1] + rotation[3 * i + 2] * from[2],
  );
  return {
    rotation,
    translation: new Float64Array([
      (to[0] - principalPointPx[0]) / scale - turned[0],
      -(to[1] - principalPointPx[1]) / scale - turned[1],
      -PORTRAIT_DISTANCE - turned[2],
    ]),
    focalLengthPx: scale * PORTRAIT_DISTANCE,
    principalPointPx,
  };
}

function determinant(m: Matrix): number {
  const a = m.to2DArray();
  return (
    a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
    a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
    a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0])
  );
}
