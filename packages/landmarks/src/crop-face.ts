import { cropRoi, ImagePyramid } from './crop.js';
import { FaceError, type LandmarksErrorCode } from './errors.js';
import { roiFromMesh } from './face-mesh.js';
import { LANDMARK_COUNT } from './landmark-sets.js';
import type { Image } from './types.js';

export interface CropFaceOptions {
  /** Side of the result, pixels. */
  side: number;
  /** Side of the window over the extent of the landmarks. */
  margin: number;
}

/** A face cut out of an image. */
export interface FaceCrop {
  /** `[side, side, 3]` sRGB, 0 to 1. */
  pixels: Float32Array;
  /** `[468, 3]` the landmarks in the window: 0 in the middle, the sides at -0.5 and 0.5; z by the same scale. */
  points: Float32Array;
}

/**
 * Cuts out a face as networks like to see it: a square window upright along the eyes and centred on the landmarks, antialiased, the image's edge continued outside.
 *
 * @param points - `[468, 3]` image pixels, as `detect` gives them.
 * @throws FaceError `IMAGE` when the image is not RGBA of its stated size, or when there are not 468 points.
 * @example const { pixels } = cropFace(image, points, { side: 96, margin: 1.25 });
 */
export function cropFace(image: Image, points: Float32Array, { side, margin }: CropFaceOptions): FaceCrop {
  const { data, width, height } = image;
  if (!(width >= 1 && height >= 1 && data.length === 4 * width * height && points.length === 3 * LANDMARK_COUNT)) {
    throw new FaceError<LandmarksErrorCode>(
      'IMAGE',
      `cropFace: expected RGBA of ${width}x${height} and ${LANDMARK_COUNT} points; received ${data.length} bytes and ${points.length} coordinates. Pass an image and the points that detect() found in it.`,
    );
  }
  const roi = roiFromMesh(points, margin);
  const [cos, sin] = [Math.cos(roi.rotation), Math.sin(roi.rotation)];
  const local = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const [x, y] = [points[i] - roi.centerX, points[i + 1] - roi.centerY];
    local.set([(x * cos + y * sin) / roi.size, (y * cos - x * sin) / roi.size, points[i + 2] / roi.size], i);
  }
  const pixels = cropRoi(new ImagePyramid(image), roi, side, { scale: 1 / 255, offset: 0 }, 'replicate');
  return { pixels, points: local };
}
