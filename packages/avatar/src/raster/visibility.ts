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
  const { width, height, depth } = raster;
  const projected = projectPoints(camera, points);
  for (let n = 0; n < out.length; n++) {
    const x = projected[3 * n];
    const y = projected[3 * n + 1];
    const z = projected[3 * n + 2];
    out[n] = 0;
    if (!(z > 0 && x >= 0 && x < width && y >= 0 && y < height)) continue;
    const left = Math.max(0, Math.floor(x - 0.5));
    const right = Math.min(width - 1, left + 1);
    const top = Math.max(0, Math.floor(y - 0.5));
    const bottom = Math.min(height - 1, top + 1);
    const farthest = Math.max(
      depth[top * width + left],
      depth[top * width + right],
      depth[bottom * width + left],
      depth[bottom * width + right],
    );
    if (z <= farthest + tolerance) out[n] = 1;
  }
  return out;
}
