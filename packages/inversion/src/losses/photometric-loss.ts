import { flushGram } from '../gram.js';
import { addPair, gatherPairs, type NormalEquations } from '../normal-equations.js';
import { type Crop, lookUp } from '../photo.js';
import { createProjected, POSE_PARAMETERS, type Pose, projectWithDerivatives } from '../pose.js';
import type { SurfaceSamples } from '../surface-samples.js';
import { fillRows } from './landmark-loss.js';

/**
 * Adds the squared differences between the photo and the model's prediction at visible surface samples, over codes then pose. Both are
 * logarithms of linear light, so that bright and dark skin weigh the same. A sample's normal, and so its shading, is held fixed within a step: what
 * moves is where it looks in the photo.
 *
 * @param logPhoto - ln(light + floor) of a crop, blurred to the scale of the step.
 * @param predicted - `[N, 3]` the same of the model: ln(albedo * shading + floor).
 * @param trust - `[N]` 0 where a sample is hidden or not believed.
 */
export function addPhotometricLoss(
  equations: NormalEquations,
  samples: SurfaceSamples,
  positions: Float32Array,
  pose: Pose,
  logPhoto: Crop,
  predicted: Float32Array,
  trust: Float32Array,
  weight: number,
): void {
  const { codeSize, jacobian, count } = samples;
  const x = new Float64Array(codeSize + POSE_PARAMETERS);
  const y = new Float64Array(codeSize + POSE_PARAMETERS);
  const projected = createProjected();
  const values = new Float64Array(3);
  const gradients = new Float64Array(6);
  const { left, top, scale } = logPhoto;
  const pairs = gatherPairs(equations);
  for (let n = 0; n < count; n++) {
    if (trust[n] <= 0) continue;
    projectWithDerivatives(pose, positions[3 * n], positions[3 * n + 1], positions[3 * n + 2], projected);
    lookUp(logPhoto, (projected.x - left) * scale, (projected.y - top) * scale, values, gradients);
    let a = 0;
    let b = 0;
    let c = 0;
    let gx = 0;
    let gy = 0;
    const w = weight * trust[n];
    for (let k = 0; k < 3; k++) {
      const r = values[k] - predicted[3 * n + k];
      const dx = gradients[2 * k] * scale;
      const dy = gradients[2 * k + 1] * scale;
      a += w * dx * dx;
      b += w * dx * dy;
      c += w * dy * dy;
      gx += w * r * dx;
      gy += w * r * dy;
      equations.cost += w * r * r;
    }
    fillRows(x, y, projected, jacobian, n, codeSize);
    addPair(pairs, x, y, a, b, c, gx, gy);
  }
  flushGram(pairs.gram);
}
