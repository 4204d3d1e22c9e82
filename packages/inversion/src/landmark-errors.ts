import { type Camera, projectPoints } from '@implicit-faces/avatar';
import {
  type FaceLandmarks,
  IBUG68_FROM_468,
  type Image,
  isFaceError,
  type Landmarker,
  LEFT_EYE_OUTER,
  RIGHT_EYE_OUTER,
} from '@implicit-faces/landmarks';

/**
 * How far points are from the photo's, as a share of the distance between the outer corners of its eyes.
 *
 * @param photo - `[468, 3]`, the photo's landmarks in pixels.
 * @param points - `[L, 3]` pixels; z does not count.
 * @param indices - which of the photo's landmarks each point is.
 */
export function computeNme(photo: Float32Array, points: Float32Array, indices: readonly number[]): number {
  const distance = (p: Float32Array, i: number, q: Float32Array, j: number) =>
    Math.hypot(p[3 * i] - q[3 * j], p[3 * i + 1] - q[3 * j + 1]);
  const sum = indices.reduce((total, index, i) => total + distance(points, i, photo, index), 0);
  return sum / indices.length / distance(photo, RIGHT_EYE_OUTER, photo, LEFT_EYE_OUTER);
}

const ALL_468 = Array.from({ length: 468 }, (_, i) => i);

/**
 * Detects the landmarks again on the render, and compares them with the photo's. Where the render shows other people too, it is the face
 * nearest to the photo's that counts.
 *
 * @returns null when the render shows no face.
 */
export async function computeRenderNme(
  landmarks: Landmarker,
  photo: Float32Array,
  render: Image,
): Promise<number | null> {
  let best = Number.POSITIVE_INFINITY;
  let face: FaceLandmarks;
  let index = 0;
  do {
    try {
      face = await landmarks.detect(render, { index });
    } catch (error) {
      if (isFaceError(error, 'NO_FACE')) return null;
      throw error;
    }
    best = Math.min(best, computeNme(photo, face.points, ALL_468));
    index++;
  } while (index < face.faceCount);
  return best;
}

/**
 * Compares where the camera sees the model's 68 landmarks with the photo's.
 *
 * @param points - `[68, 3]` metres.
 */
export function computeProjectedNme(photo: Float32Array, points: Float32Array, camera: Camera): number {
  return computeNme(photo, projectPoints(camera, points), IBUG68_FROM_468);
}
