import { flushGram } from '../gram.js';
import { addPair, gatherPairs, type NormalEquations } from '../normal-equations.js';
import { type Crop, lookUp, type Plane } from '../photo.js';
import { createProjected, POSE_PARAMETERS, type Pose, projectWithDerivatives } from '../pose.js';
import type { SurfaceSamples } from '../surface-samples.js';
import { fillRows } from './landmark-loss.js';

/**
 * Adds the squared distance by which surface samples stick out of the person's mask, over codes then pose. One-sided: the mask holds hair and
 * shoulders too, so the avatar has to lie inside it, not fill it.
 *
 * @param distance - signed distance to the mask's edge in the crop's pixels, positive outside.
 * @param sigma - tolerance, photo pixels.
 */
export function addSilhouetteLoss(
  equations: NormalEquations,
  samples: SurfaceSamples,
  positions: Float32Array,
  pose: Pose,
  distance: Plane,
  crop: Crop,
  sigma: number,
  weight: number,
): void {
  const { codeSize, jacobian, count } = samples;
  const x = new Float64Array(codeSize + POSE_PARAMETERS);
  const y = new Float64Array(codeSize + POSE_PARAMETERS);
  const projected = createProjected();
  const value = new Float64Array(1);
  const gradient = new Float64Array(2);
  const pairs = gatherPairs(equations);
  for (let n = 0; n < count; n++) {
    projectWithDerivatives(pose, positions[3 * n], positions[3 * n + 1], positions[3 * n + 2], projected);
    const px = (projected.x - crop.left) * crop.scale;
    const py = (projected.y - crop.top) * crop.scale;
    if (px < 1 || py < 1 || px > distance.width - 1 || py > distance.height - 1) continue;
    lookUp(distance, px, py, value, gradient);
    const out = value[0] / crop.scale;
    if (out <= 0) continue;
    const w = weight / (sigma ** 2 * (1 + (out / (6 * sigma)) ** 2) ** 2);
    fillRows(x, y, projected, jacobian, n, codeSize);
    const [dx, dy] = gradient;
    addPair(pairs, x, y, w * dx * dx, w * dx * dy, w * dy * dy, w * out * dx, w * out * dy);
    equations.cost += w * out * out;
  }
  flushGram(pairs.gram);
}
