import { addToGram, createGram, flushGram } from '../gram.js';
import type { NormalEquations } from '../normal-equations.js';
import { fillNormalRows, type VertexRings } from '../normal-rows.js';
import { type Crop, lookUp } from '../photo.js';
import { createProjected, POSE_PARAMETERS, type Pose, projectWithDerivatives } from '../pose.js';
import type { SurfaceSamples } from '../surface-samples.js';
import { fillRows } from './landmark-loss.js';

/** What samples of a mesh's surface should look like, and how that depends on their normals. */
export interface ShadedSamples {
  samples: SurfaceSamples;
  /** All of the mesh's vertices, some of which the samples are, and the triangles around those. */
  vertices: SurfaceSamples;
  rings: VertexRings;
  /** `[V, 3]` the mesh at the present codes. */
  mesh: Float32Array;
  /** `[N, 3]` the samples. */
  positions: Float32Array;
  /** `[N, 3]` ln(albedo * shading + highlight + floor). */
  predicted: Float32Array;
  /** `[N, 3, 3]` its derivative by the normal, of `lightByNormal`. */
  byNormal: Float32Array;
  /** `[N]` 0 where a sample is hidden or not believed. */
  trust: Float32Array;
}

/**
 * Adds the squared differences between the photo and the model's prediction at visible vertices, as `addPhotometricLoss`, over codes then pose. Here codes also turn the normals, and so change the shading: shape from
 * shading. Light stands in the head's frame, so that the pose turns none. What the head hides of the light stays as it is within a step.
 *
 * @param logPhoto - ln(light + floor) of a crop, blurred to the scale of the step.
 * @see Horn, "Obtaining shape from shading information", 1975
 */
export function addShadingLoss(
  equations: NormalEquations,
  { samples, vertices, rings, mesh, positions, predicted, byNormal, trust }: ShadedSamples,
  pose: Pose,
  logPhoto: Crop,
  weight: number,
): void {
  const { codeSize, jacobian, count } = samples;
  const { gradient } = equations;
  const size = codeSize + POSE_PARAMETERS;
  const [x, y, row, ...turns] = Array.from({ length: 6 }, () => new Float64Array(size));
  const projected = createProjected();
  const values = new Float64Array(3);
  const gradients = new Float64Array(6);
  const { left, top, scale } = logPhoto;
  const gram = createGram(equations.matrix, size);
  for (let n = 0; n < count; n++) {
    if (trust[n] <= 0) continue;
    const w = weight * trust[n];
    const root = Math.sqrt(w);
    projectWithDerivatives(pose, positions[3 * n], positions[3 * n + 1], positions[3 * n + 2], projected);
    lookUp(logPhoto, (projected.x - left) * scale, (projected.y - top) * scale, values, gradients);
    fillRows(x, y, projected, jacobian, n, codeSize);
    fillNormalRows(turns, rings, n, mesh, vertices);
    for (let c = 0; c < 3; c++) {
      const residual = values[c] - predicted[3 * n + c];
      const [dx, dy] = [gradients[2 * c] * scale, gradients[2 * c + 1] * scale];
      const at = 9 * n + 3 * c;
      const [a, b, d] = [byNormal[at], byNormal[at + 1], byNormal[at + 2]];
      mixRow(row, dx, x, dy, y, a, b, d, turns);
      const slope = w * residual;
      for (let k = 0; k < size; k++) gradient[k] += slope * row[k];
      addToGram(gram, root, row, 0, row);
      equations.cost += slope * residual;
    }
  }
  flushGram(gram);
}

/** The derivative of a residual: where the photo is looked at less what the light does with the normal. */
function mixRow(
  row: Float64Array,
  dx: number,
  x: Float64Array,
  dy: number,
  y: Float64Array,
  a: number,
  b: number,
  d: number,
  [u, v, w]: readonly Float64Array[],
): void {
  for (let k = 0; k < row.length; k++) row[k] = dx * x[k] + dy * y[k] - a * u[k] - b * v[k] - d * w[k];
}
