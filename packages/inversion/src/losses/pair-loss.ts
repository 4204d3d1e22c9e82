import { addResidual, type NormalEquations } from '../normal-equations.js';
import { createProjected, POSE_PARAMETERS, type Pose, projectWithDerivatives } from '../pose.js';
import type { SurfaceSamples } from '../surface-samples.js';
import { fillRows, type LandmarkTarget } from './landmark-loss.js';

/**
 * Adds the squared errors of the vectors between pairs of landmarks (upper and lower lid, upper and lower lip), over codes then pose. How far an eye or a mouth is open
 * is seen far better than where its lids and lips are, because errors of the detector move both together.
 *
 * @param pairs - `[[a, b], ...]` indices of landmarks.
 * @param sigma - standard deviation of a pair's vector, pixels.
 */
export function addPairLoss(
  equations: NormalEquations,
  samples: SurfaceSamples,
  positions: Float32Array,
  pose: Pose,
  target: LandmarkTarget,
  pairs: readonly (readonly [number, number])[],
  sigma: number,
  weight: number,
): void {
  const size = samples.codeSize + POSE_PARAMETERS;
  const [ax, ay, bx, by] = Array.from({ length: 4 }, () => new Float64Array(size));
  const [first, second] = [createProjected(), createProjected()];
  const at = (n: number, out: typeof first) =>
    projectWithDerivatives(pose, positions[3 * n], positions[3 * n + 1], positions[3 * n + 2], out);
  for (const [a, b] of pairs) {
    at(a, first);
    at(b, second);
    fillRows(ax, ay, first, samples.jacobian, a, samples.codeSize);
    fillRows(bx, by, second, samples.jacobian, b, samples.codeSize);
    const rx = first.x - second.x - (target.points[2 * a] - target.points[2 * b]);
    const ry = first.y - second.y - (target.points[2 * a + 1] - target.points[2 * b + 1]);
    for (let k = 0; k < size; k++) {
      ax[k] -= bx[k];
      ay[k] -= by[k];
    }
    const w = weight / sigma ** 2;
    addResidual(equations, ax, rx, w);
    addResidual(equations, ay, ry, w);
  }
}
