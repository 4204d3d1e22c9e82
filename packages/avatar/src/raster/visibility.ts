import { mergeOptions } from '@implicit-faces/runtime';
import { projectPoints } from '../camera.js';
import type { Camera } from '../types.js';
import type { Raster } from './rasterize.js';

/** Tunables of `visiblePoints`. */
export interface VisibilityOptions {
  /** How far behind the seen surface a point may be, metres. */
  tolerance?: number;
}

/** Half a millimetre is above the error of a mesh of millimetre triangles and below the thickness of a lip or a nostril's wall. */
export const VISIBILITY_DEFAULTS = { tolerance: 0.0005 };

/**
 * Tests points, such as a mesh's vertices or landmarks, against a raster's depth.
 *
 * @param raster - of the scene, by the same camera.
 * @param points - `[N, 3]` world, metres.
 * @param out - destination `[N]`.
 * @returns 1 where the point is inside the picture and nothing lies in front of it, else 0. A point is compared with the farthest of the
 * four pixels around it, so that slanted surfaces and outlines count as visible.
 */
export function visiblePoints(
  raster: Raster,
  camera: Camera,
  points: Float32Array,
  options: VisibilityOptions = {},
  out = new Uint8Array(points.length / 3),
): Uint8Array {
  const { tolerance } = mergeOptions(VISIBILITY_DEFAULTS, options);
  const projected = projectPoints(camera, points);
  for (let n = 0; n < out.length; n++)
    out[n] = Number(isVisible(raster, projected[3 * n], projected[3 * n + 1], projected[3 * n + 2], tolerance));
  return out;
}

/** The same of one point that has been projected already: pixels, and the depth along the viewing axis. False for NaN. */
export function isVisible(
  { width, height, depth }: Pick<Raster, 'width' | 'height' | 'depth'>,
  x: number,
  y: number,
  z: number,
  tolerance: number,
): boolean {
  if (!(z > 0 && x >= 0 && x < width && y >= 0 && y < height)) return false;
  const left = Math.max(0, Math.floor(x - 0.5));
  const right = Math.min(width - 1, left + 1);
  const top = width * Math.max(0, Math.floor(y - 0.5));
  const bottom = Math.min(width * (height - 1), top + width);
  return z <= Math.max(depth[top + left], depth[top + right], depth[bottom + left], depth[bottom + right]) + tolerance;
}
