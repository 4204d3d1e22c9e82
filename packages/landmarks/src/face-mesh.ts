import type { Network } from '@implicit-faces/runtime';
import { cropRoi, type ImagePyramid, imageFromRoi, type Roi } from './crop.js';
import { sigmoid } from './face-detector.js';
import { LEFT_EYE_OUTER, RIGHT_EYE_OUTER } from './landmark-sets.js';
import { runFinite } from './run-finite.js';

const SIDE = 192;
const VALUES = 468 * 3;
/** The network was trained on windows of this many times the face's extent. */
const ROI_MARGIN = 1.5;

/** What the landmark network says about one window. */
export interface FaceMesh {
  /** `[468, 3]` image pixels. */
  points: Float32Array;
  /** 0..1: presence of a face. */
  score: number;
}

/** The landmark network's window for a face of the given extent, in pixels. */
export function meshRoi(centerX: number, centerY: number, size: number, rotation: number): Roi {
  return { centerX, centerY, size: size * ROI_MARGIN, rotation };
}

/**
 * Places the 468 points of the face that fills a window.
 *
 * @see Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, 2019.
 */
export async function placeMesh(network: Network, pyramid: ImagePyramid, roi: Roi): Promise<FaceMesh> {
  const input = cropRoi(pyramid, roi, SIDE, { scale: 1 / 255, offset: 0 }, 'replicate');
  const outputs = await runFinite(network, input, SIDE);
  const local = outputs.points.data; // [468, 3] pixels of the window
  const points = new Float32Array(VALUES);
  for (let i = 0; i < VALUES; i += 3) {
    const [x, y] = imageFromRoi(roi, local[i] / SIDE, local[i + 1] / SIDE);
    points[i] = x;
    points[i + 1] = y;
    points[i + 2] = (local[i + 2] / SIDE) * roi.size;
  }
  return { points, score: sigmoid(outputs.presence.data[0]) };
}

/** The window that the points themselves ask for: upright along the eyes, centred on their bounds in that frame, `margin` times their extent. */
export function roiFromMesh(points: Float32Array, margin = ROI_MARGIN): Roi {
  const at = (i: number): [number, number] => [points[3 * i], points[3 * i + 1]];
  const [rightX, rightY] = at(RIGHT_EYE_OUTER);
  const [leftX, leftY] = at(LEFT_EYE_OUTER);
  const rotation = Math.atan2(leftY - rightY, leftX - rightX);
  const cos = Math.cos(rotation);
  const sin = Math.sin(rotation);
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length / 3; i++) {
    const [x, y] = at(i);
    const along = x * cos + y * sin;
    const down = y * cos - x * sin;
    minX = Math.min(minX, along);
    maxX = Math.max(maxX, along);
    minY = Math.min(minY, down);
    maxY = Math.max(maxY, down);
  }
  const along = (minX + maxX) / 2;
  const down = (minY + maxY) / 2;
  const size = Math.max(maxX - minX, maxY - minY) * margin;
  return { centerX: along * cos - down * sin, centerY: along * sin + down * cos, size, rotation };
}
