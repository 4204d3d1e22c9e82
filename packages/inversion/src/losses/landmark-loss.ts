import { flushGram } from '../gram.js';
import { addPair, gatherPairs, type NormalEquations } from '../normal-equations.js';
import { createProjected, POSE_PARAMETERS, type Pose, projectWithDerivatives } from '../pose.js';
import type { SurfaceSamples } from '../surface-samples.js';

/** Detected points and how far to trust each. */
export interface LandmarkTarget {
  /** `[L, 2]` pixels. */
  points: Float32Array;
  /** `[L]` standard deviation of a point, pixels. */
  sigma: Float32Array;
}

/**
 * Adds the squared distances between the projected places of the landmarks on the skin and the detected ones, over codes then pose; points that are off
 * by much more than their standard deviation count ever less (Geman-McClure).
 *
 * @param positions - `[L, 3]` the samples at the present codes.
 */
export function addLandmarkLoss(
  equations: NormalEquations,
  samples: SurfaceSamples,
  positions: Float32Array,
  pose: Pose,
  target: LandmarkTarget,
  weight: number,
): void {
  const { codeSize, jacobian, count } = samples;
  const x = new Float64Array(codeSize + POSE_PARAMETERS);
  const y = new Float64Array(codeSize + POSE_PARAMETERS);
  const projected = createProjected();
  const pairs = gatherPairs(equations);
  for (let n = 0; n < count; n++) {
    projectWithDerivatives(pose, positions[3 * n], positions[3 * n + 1], positions[3 * n + 2], projected);
    const rx = projected.x - target.points[2 * n];
    const ry = projected.y - target.points[2 * n + 1];
    const variance = target.sigma[n] ** 2;
    const robust = (1 + (rx * rx + ry * ry) / (16 * variance)) ** -2;
    const w = (weight * robust) / variance;
    fillRows(x, y, projected, jacobian, n, codeSize);
    addPair(pairs, x, y, w, 0, w, w * rx, w * ry);
    equations.cost += w * (rx * rx + ry * ry);
  }
  flushGram(pairs.gram);
}

/** The rows of a sample's pixel by the codes and the pose. */
export function fillRows(
  x: Float64Array,
  y: Float64Array,
  { byPoint, byPose }: { byPoint: Float64Array; byPose: Float64Array },
  jacobian: Float32Array,
  n: number,
  codeSize: number,
): void {
  const j0 = 3 * n * codeSize;
  const j1 = j0 + codeSize;
  const j2 = j1 + codeSize;
  for (let k = 0; k < codeSize; k++) {
    const dx = jacobian[j0 + k];
    const dy = jacobian[j1 + k];
    const dz = jacobian[j2 + k];
    x[k] = byPoint[0] * dx + byPoint[1] * dy + byPoint[2] * dz;
    y[k] = byPoint[3] * dx + byPoint[4] * dy + byPoint[5] * dz;
  }
  for (let k = 0; k < POSE_PARAMETERS; k++) {
    x[codeSize + k] = byPose[k];
    y[codeSize + k] = byPose[POSE_PARAMETERS + k];
  }
}
