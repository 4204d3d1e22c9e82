import {
  computeNormals,
  createRaster,
  cropCamera,
  type FaceModel,
  rasterize,
  visiblePoints,
} from '@implicit-faces/avatar';
import { createSeededRandom } from '@implicit-faces/runtime';
import { sampleChartMap } from '@implicit-faces/uv-param';
import { FaceError } from '../errors.js';
import { addLandmarkEvidence } from '../losses/landmark-evidence.js';
import type { LandmarkTarget } from '../losses/landmark-loss.js';
import { addPhotometricLoss } from '../losses/photometric-loss.js';
import { addSilhouetteLoss } from '../losses/silhouette-loss.js';
import { addPrior, createNormalEquations, type NormalEquations, solveStepWithin } from '../normal-equations.js';
import { blur, type Crop, distanceFromMask, lookUp, mapPlane, type Plane } from '../photo.js';
import {
  cameraFromPose,
  createProjected,
  POSE_PARAMETERS,
  type Pose,
  projectWithDerivatives,
  stepPose,
} from '../pose.js';
import type { PresetSettings } from '../presets.js';
import { addDistancePrior, addExpressionPrior, EXPRESSION_SIGMA, unseenExpressions } from '../priors.js';
import { type DensitySamples, loadDensitySamples, posePoints, type SurfaceSamples } from '../surface-samples.js';
import {
  type Appearance,
  type AppearanceData,
  createAppearance,
  LIGHT_FLOOR,
  matteLight,
  mirroredHarmonics,
  predictLight,
  stepAppearance,
} from './appearance.js';
import type { CodeStart } from './encode.js';

/** Everything that the optimisation compares, gathered before it starts. */
export interface Evidence {
  model: FaceModel;
  /** The skin's mesh vertices, those of them that are compared with the photo, and the landmarks. */
  vertices: SurfaceSamples;
  chosen: ChosenSamples;
  landmarks: SurfaceSamples;
  target: LandmarkTarget;
  /** The face and its surroundings in linear light, and the person's mask over it. */
  crop: Crop;
  mask: Plane;
  /** Outer-eye distance, photo pixels. */
  faceScale: number;
  /** What the encoder thinks of the codes; without it they start at the mean face. */
  encoded?: CodeStart;
}

/** What the optimisation finds. */
export interface Fit {
  /** `[Dg + De]` */
  codes: Float64Array;
  pose: Pose;
  appearance: Appearance;
  steps: number;
}

/** No geometry code goes beyond. */
const FARTHEST_GEOMETRY = 3.5;
/** Standard deviations of geometry codes and expression weights around what an encoder said. */
const ENCODED_GEOMETRY_SIGMA = 0.2;
const ENCODED_EXPRESSION_SIGMA = 0.15;
const EFFECTIVE_SAMPLES = 250;
const COLOUR_SIGMA = 0.16;
const SILHOUETTE_WEIGHT = 0.02;
/** Blur of the photo per scale, as a share of the outer-eye distance. */
const BLURS = [0.05, 0.025, 0.0125];

/**
 * Finds codes, camera, light and texture code: Gauss-Newton on landmarks alone, then on landmarks, pixels and silhouette, coarse to fine. Between two steps of the geometry
 * the appearance is solved for at the samples that can be seen.
 *
 * @param onStep - called before every step with the share of the work done.
 * @throws FaceError `NOT_FINITE` when a step cannot be solved.
 */
export async function optimise(
  evidence: Evidence,
  start: Pose,
  settings: PresetSettings,
  seed: number,
  onStep: (fraction: number) => Promise<void>,
): Promise<Fit> {
  const { vertices, landmarks, target, faceScale, crop, model } = evidence;
  const size = vertices.codeSize;
  const total = settings.landmarkSteps + settings.photoSteps.reduce((a, b) => a + b, 0) + 1;
  let codes = evidence.encoded?.codes.slice() ?? new Float64Array(size);
  let pose = start;
  let steps = 0;
  const prior = createCodePrior(model, evidence.encoded?.codes);
  const { geometry } = model.manifest.codes;
  const bounds = {
    lower: new Float64Array(size).fill(-FARTHEST_GEOMETRY, 0, geometry),
    upper: new Float64Array(size).fill(1).fill(FARTHEST_GEOMETRY, 0, geometry),
  };

  const advance = (add: (equations: NormalEquations) => void, poseOnly: boolean) => {
    const equations = createNormalEquations(size + POSE_PARAMETERS);
    add(equations);
    prior.add(equations, codes, pose);
    const frozen = prior.frozen.slice();
    if (poseOnly) frozen.fill(1, 0, size);
    const step = solveStepWithin(equations, 1e-3, codes, bounds, frozen);
    if (!step) throw notFinite('optimise');
    codes = codes.map((c, k) => c + step[k]);
    pose = stepPose(pose, step, size);
    steps++;
  };

  const addLandmarks = (equations: NormalEquations) =>
    addLandmarkEvidence(equations, landmarks, posePoints(landmarks, codes), pose, target, faceScale);
  for (let i = 0; i < settings.landmarkSteps; i++) {
    await onStep(steps / total);
    advance(addLandmarks, i < 3);
  }

  const { chosen } = evidence;
  const outline = chooseOutline(evidence, 900, seed);
  const distance = distanceFromMask(evidence.mask);
  let appearance = createAppearance(chosen.density.codeSize);
  const seen = (blurred: Crop) => lookAtPhoto(evidence, codes, pose, blurred, appearance);
  const scales = settings.photoSteps.length ? BLURS.slice(0, settings.photoSteps.length) : [];
  for (const [level, share] of scales.entries()) {
    const blurred = mapPlane(blur(crop, share * faceScale * crop.scale), (v) => Math.log(v + LIGHT_FLOOR));
    for (let i = 0; i < settings.photoSteps[level]; i++) {
      await onStep(steps / total);
      const view = seen(blurred);
      const weight = EFFECTIVE_SAMPLES / Math.max(1, view.trusted) / COLOUR_SIGMA ** 2;
      for (let k = 0; k < (level === 0 && i === 0 ? 5 : 2); k++) {
        appearance = stepAppearance(view.data, appearance, weight);
        retrust(view, appearance);
      }
      const { predicted } = predictLight(view.data, appearance);
      const outlinePositions = posePoints(outline, codes);
      advance((equations) => {
        addLandmarks(equations);
        addPhotometricLoss(
          equations,
          chosen.samples,
          view.positions,
          pose,
          blurred,
          predicted,
          view.data.trust,
          weight,
        );
        addSilhouetteLoss(
          equations,
          outline,
          outlinePositions,
          pose,
          distance,
          crop,
          0.02 * faceScale,
          SILHOUETTE_WEIGHT,
        );
      }, false);
    }
  }
  // The appearance once more, at the final geometry.
  await onStep((total - 1) / total);
  const view = seen(mapPlane(blur(crop, 0.01 * faceScale * crop.scale), (v) => Math.log(v + LIGHT_FLOOR)));
  for (let k = 0; k < 6; k++) {
    weighByDisplay(view.data);
    appearance = stepAppearance(
      view.data,
      appearance,
      (6 * EFFECTIVE_SAMPLES) / Math.max(1, view.trusted) / COLOUR_SIGMA ** 2,
    );
    retrust(view, appearance, FINAL_OUTLIER);
  }
  appearance = { ...appearance, lighting: matteLight(view.data, appearance) };
  if (
    ![...codes, ...pose.rotation, ...pose.translation, pose.focalLengthPx, ...appearance.lighting].every(
      Number.isFinite,
    )
  )
    throw notFinite('optimise');
  return { codes, pose, appearance, steps };
}

function notFinite(stage: string): FaceError {
  return new FaceError(
    'NOT_FINITE',
    `invertImage: the stage ${stage} left the finite numbers. The photo may be too distorted or too small; try another photo or face index.`,
  );
}

/** What is believed of codes and camera before the photo is looked at; of the codes what an encoder said, if one did. */
function createCodePrior(model: FaceModel, encoded?: Float64Array) {
  const { codes, expressionNames } = model.manifest;
  const frozen = new Uint8Array(codes.geometry + codes.expression + POSE_PARAMETERS);
  frozen.set(unseenExpressions(expressionNames), codes.geometry);
  return {
    frozen,
    add(equations: NormalEquations, values: Float64Array, pose: Pose) {
      const geometrySigma = encoded ? ENCODED_GEOMETRY_SIGMA : 1;
      for (let k = 0; k < codes.geometry; k++) {
        addPrior(equations, k, values[k] - (encoded?.[k] ?? 0), geometrySigma ** -2);
      }
      addExpressionPrior(equations, expressionNames, values, codes.geometry, pose, {
        centre: encoded?.subarray(codes.geometry),
        sigma: encoded ? ENCODED_EXPRESSION_SIGMA : EXPRESSION_SIGMA,
      });
      addDistancePrior(equations, codes.geometry + codes.expression, pose);
    },
  };
}

/** Vertices of the face region that are compared with the photo. */
export interface ChosenSamples {
  /** Which of the mesh's vertices. */
  index: Int32Array;
  samples: SurfaceSamples;
  density: DensitySamples;
}

/** Random vertices of the face region, and the density of the albedo there. */
export async function chooseSamples(
  model: FaceModel,
  vertices: SurfaceSamples,
  count: number,
  seed: number,
  signal?: AbortSignal,
  onProgress?: (fraction: number) => void,
): Promise<ChosenSamples> {
  const inFace = sampleChartMap(model.uv.topology.faceMask, vertices.uv);
  const index = shuffled(
    Array.from({ length: vertices.count }, (_, n) => n).filter((n) => inFace[n] > 127),
    seed,
  ).slice(0, count);
  const samples = takeSamples(vertices, index);
  return {
    index: Int32Array.from(index),
    samples,
    density: await loadDensitySamples(model, samples.uv, signal, onProgress),
  };
}

/** Random vertices of everything outside, for the silhouette. */
function chooseOutline({ model, vertices }: Evidence, count: number, seed: number): SurfaceSamples {
  const region = sampleChartMap(model.uv.topology.regions, vertices.uv);
  const outside = Array.from({ length: vertices.count }, (_, n) => n).filter((n) => region[n] < 6 || region[n] > 7);
  return takeSamples(vertices, shuffled(outside, seed + 1).slice(0, count));
}

function takeRows(values: Float32Array, stride: number, index: ArrayLike<number>): Float32Array {
  const out = new Float32Array(index.length * stride);
  for (let i = 0; i < index.length; i++)
    out.set(values.subarray(index[i] * stride, (index[i] + 1) * stride), i * stride);
  return out;
}

function takeSamples({ uv, origin, jacobian, codeSize }: SurfaceSamples, index: readonly number[]): SurfaceSamples {
  return {
    count: index.length,
    uv: takeRows(uv, 2, index),
    origin: takeRows(origin, 3, index),
    jacobian: takeRows(jacobian, 3 * codeSize, index),
    codeSize,
  };
}

/** Fisher and Yates. */
function shuffled(values: number[], seed: number): number[] {
  const random = createSeededRandom(seed);
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j], values[i]];
  }
  return values;
}

/** Side of the raster that decides what is visible. */
const VISIBILITY_SIZE = 192;
/** Beyond this the vertex and the pixel are not the same place. */
const VISIBILITY_TOLERANCE = 0.002;

/** What the samples see in the photo at the present codes, and how far each is believed before its colour is known. */
function lookAtPhoto(evidence: Evidence, codes: Float64Array, pose: Pose, logPhoto: Crop, appearance: Appearance) {
  const { vertices, chosen, model, crop, mask } = evidence;
  const all = posePoints(vertices, codes);
  const { triangles } = model.uv.topology.skin;
  const allNormals = computeNormals(all, triangles);
  const camera = cropCamera(cameraFromPose(pose), crop.left, crop.top, (crop.scale * VISIBILITY_SIZE) / crop.width);
  const raster = rasterize(
    [{ positions: all, indices: triangles }],
    camera,
    { width: VISIBILITY_SIZE, height: VISIBILITY_SIZE },
    createRaster(VISIBILITY_SIZE, VISIBILITY_SIZE),
  );
  const positions = takeRows(all, 3, chosen.index);
  const normals = takeRows(allNormals, 3, chosen.index);
  const visible = visiblePoints(raster, camera, positions, { tolerance: VISIBILITY_TOLERANCE });
  const { rotation: r, translation: t } = pose;
  const eye = [0, 1, 2].map((j) => -(r[j] * t[0] + r[3 + j] * t[1] + r[6 + j] * t[2]));
  const count = chosen.index.length;
  const logLight = new Float32Array(3 * count);
  const base = new Float32Array(count);
  const toEye = new Float32Array(3 * count);
  const projected = createProjected();
  const colour = new Float64Array(3);
  const person = new Float64Array(1);
  for (let n = 0; n < count; n++) {
    const [x, y, z] = positions.subarray(3 * n, 3 * n + 3);
    projectWithDerivatives(pose, x, y, z, projected);
    const px = (projected.x - crop.left) * crop.scale;
    const py = (projected.y - crop.top) * crop.scale;
    lookUp(logPhoto, px, py, colour);
    logLight.set(colour, 3 * n);
    lookUp(mask, px, py, person);
    const [vx, vy, vz] = [eye[0] - x, eye[1] - y, eye[2] - z];
    const distance = Math.hypot(vx, vy, vz);
    toEye.set([vx / distance, vy / distance, vz / distance], 3 * n);
    const facing = (normals[3 * n] * vx + normals[3 * n + 1] * vy + normals[3 * n + 2] * vz) / distance;
    const inside = px > 0 && py > 0 && px < crop.width && py < crop.height;
    base[n] = visible[n] && inside ? Math.min(1, Math.max(0, (facing - 0.1) / 0.4)) * person[0] : 0;
  }
  const mirrored = mirroredHarmonics(normals, toEye);
  const data = { density: chosen.density, normals, mirrored, logLight, trust: base.slice() };
  const view = { positions, data, base, trusted: 0 };
  retrust(view, appearance);
  return view;
}

/** Squared log-light error at which a sample's weight has fallen to a quarter. */
const OUTLIER = 3 * 0.4 ** 2;
/** The same once the geometry stands: highlights and deep shadows may then be explained by light and texture code, since they move nothing any more. */
const FINAL_OUTLIER = 3 * 0.9 ** 2;
/** From here on a sample is no skin at all (a fringe, a scarf) and never explained. */
const FOREIGN = 3 * 0.8 ** 2;

/** Believes a sample the less, the worse the present appearance explains it: hair, glasses, hands and highlights drop out (Geman-McClure). */
function retrust(
  view: {
    data: AppearanceData;
    base: Float32Array;
    trusted: number;
  },
  appearance: Appearance,
  outlier = OUTLIER,
): void {
  const { data, base } = view;
  const { predicted } = predictLight(data, appearance);
  // The overall brightness is not an outlier of every sample at once: errors count around their median.
  const offsets = [0, 1, 2].map((c) => {
    const values: number[] = [];
    for (let n = 0; n < base.length; n++) if (base[n] > 0) values.push(data.logLight[3 * n + c] - predicted[3 * n + c]);
    values.sort((a, b) => a - b);
    return values.length ? values[values.length >> 1] : 0;
  });
  view.trusted = 0;
  for (let n = 0; n < base.length; n++) {
    let error = 0;
    for (let c = 0; c < 3; c++) error += (data.logLight[3 * n + c] - predicted[3 * n + c] - offsets[c]) ** 2;
    data.trust[n] = error > FOREIGN ? 0 : base[n] / (1 + error / outlier) ** 2;
    view.trusted += data.trust[n];
  }
}

/** An error of the logarithm shows on a display by light ** (1 / 2.2): what is bright counts more, by that factor's square over the face's mean. */
function weighByDisplay({ logLight, trust }: AppearanceData): void {
  const shown = trust.map((_, n) =>
    Math.exp(((logLight[3 * n] + logLight[3 * n + 1] + logLight[3 * n + 2]) / 3) * (2 / 2.2)),
  );
  let sum = 0;
  let total = 0;
  for (let n = 0; n < trust.length; n++) {
    sum += trust[n] * shown[n];
    total += trust[n];
  }
  for (let n = 0; n < trust.length; n++) trust[n] *= (shown[n] * total) / Math.max(sum, 1e-9);
}
