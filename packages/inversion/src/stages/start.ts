import type { Pose } from '../pose.js';
import { alignSimilarity } from '../similarity.js';

/** How far portraits are taken from, metres: the start, and the centre of the prior. */
export const PORTRAIT_DISTANCE = 1.2;

/**
 * A first pose from landmarks with depth: the similarity that brings the model's points to the detected ones, seen from the distance of a portrait,
 * or from where a known focal length puts it.
 *
 * @param points - `[L, 3]` the model's, metres.
 * @param detected - `[L, 3]` x right, y down, z away from the camera, pixels.
 * @param principalPointPx - the photo's centre.
 */
export function startPose(
  points: Float32Array,
  detected: Float32Array,
  principalPointPx: readonly [number, number],
  focalLengthPx?: number,
): Pose {
  // Pixels and depth in glTF's camera axes.
  const target = Float64Array.from(detected, (value, i) => {
    if (i % 3 === 0) return value - principalPointPx[0];
    return i % 3 === 1 ? principalPointPx[1] - value : -value;
  });
  const { scale, rotation, translation } = alignSimilarity(points, target);
  const distance = focalLengthPx === undefined ? PORTRAIT_DISTANCE : focalLengthPx / scale;
  // The middle of the points comes to the plane of a portrait.
  const count = points.length / 3;
  const middle = [0, 1, 2].map((k) => points.reduce((sum, v, i) => (i % 3 === k ? sum + v / count : sum), 0));
  const depth = rotation[6] * middle[0] + rotation[7] * middle[1] + rotation[8] * middle[2];
  return {
    rotation,
    translation: new Float64Array([translation[0] / scale, translation[1] / scale, -distance - depth]),
    focalLengthPx: scale * distance,
    principalPointPx,
  };
}

/**
 * How far a head is turned from the camera, sideways, up and down together.
 *
 * @returns degrees, 0 to 180.
 */
export function turnDegrees({ rotation }: Pick<Pose, 'rotation'>): number {
  return (Math.acos(Math.min(1, Math.max(-1, rotation[8]))) * 180) / Math.PI;
}
