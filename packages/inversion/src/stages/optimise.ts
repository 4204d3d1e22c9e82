import {
  computeNormals,
  computeOcclusion,
  createRaster,
  cropCamera,
  type FaceModel,
  type PartMesh,
  rasterize,
  visiblePoints,
} from '@implicit-faces/avatar';
import { createSeededRandom } from '@implicit-faces/runtime';
import { sampleChartMap } from '@implicit-faces/uv-param';
import { checkFinite, notFinite } from '../finite.js';
import { addLandmarkEvidence } from '../losses/landmark-evidence.js';
import type { LandmarkTarget } from '../losses/landmark-loss.js';
import { addShadingLoss } from '../losses/shading-loss.js';
import { addSilhouetteLoss } from '../losses/silhouette-loss.js';
import {
  createNormalEquations,
  joinEquations,
  joinValues,
  type NormalEquations,
  solveStep,
  solveStepWithin,
  splitJoined,
} from '../normal-equations.js';
import { vertexRings } from '../normal-rows.js';
import { blur, type Crop, distanceFromMask, lookUp, mapPlane, type Plane } from '../photo.js';
import {
  cameraFromPose,
  createProjected,
  POSE_PARAMETERS,
  type Pose,
  projectWithDerivatives,
  stepPose,
} from '../pose.js';
import { POSE_STEPS, type PresetSettings } from '../presets.js';
import {
  addDistancePrior,
  addEncoderAnswer,
  addExpressionPrior,
  addGeometryPrior,
  countIndependent,
  type EncoderAnswer,
  EXPRESSION_SIGMA,
  unseenExpressions,
} from '../priors.js';
import { selectRank } from '../select.js';
import { shapeInformation } from '../shape-information.js';
import {
  type DensitySamples,
  fixGeometry,
  loadDensitySamples,
  posePoints,
  type SurfaceSamples,
} from '../surface-samples.js';
import type { LightOrder, LossWeights } from '../types.js';
import {
  type Appearance,
  type AppearanceData,
  calmUnseenLight,
  createAppearance,
  harmonicTransfer,
  LIGHT_FLOOR,
  lightByNormal,
  matteLight,
  mirroredHarmonics,
  predictLight,
  stepAppearance,
  transferMoment,
} from './appearance.js';
import type { CodeStart } from './encode.js';

/** What the photos of a person are compared with. */
export interface Subject {
  model: FaceModel;
  landmarks: SurfaceSamples;
  /** Those of the skin's mesh vertices that are compared with the photo. */
  chosen: ChosenSamples;
  /** All vertices, where codes are to be moved by pixels. */
  vertices?: SurfaceSamples;
}

/** What one photo shows, gathered before the optimisation starts. */
export interface Evidence {
  target: LandmarkTarget;
  /** The face and its surroundings in linear light, and the person's mask over it. */
  crop: Crop;
  mask: Plane;
  /** Outer-eye distance, photo pixels. */
  faceScale: number;
  /** What the encoder thinks of the codes; without it they start at the mean face. */
  encoded?: CodeStart;
  /** Where the optimisation starts. */
  start: Pose;
  /** Whether the start's focal length is what the camera noted, and stays. */
  knowsFocal: boolean;
}

/** What of an inversion's options the optimisation goes by. */
export interface OptimiseSettings extends Pick<PresetSettings, 'landmarkSteps' | 'photoSteps' | 'appearanceSteps'> {
  losses: LossWeights;
  lightOrder: LightOrder;
}

/** What the optimisation finds in a photo. Geometry and texture codes are the person's, so they are the same in all photos. */
export interface Fit {
  /** `[Dg + De]` */
  codes: Float64Array;
  pose: Pose;
  appearance: Appearance;
  /** `[9, 3]` the light that the avatar is shown in, once it is solved for: the appearance's, by which the photo is divided, less what only unseen places would show of it. */
  shownLight?: Float64Array;
  /** `[V, 9]` what the skin hides of the light at its vertices, at codes near these: of `computeOcclusion`. */
  occlusion?: Float32Array;
  /** `[V, 3]` the skin's vertices at the codes, metres, where the network was asked for them. */
  skin?: Float32Array;
}

/** No geometry code goes beyond. */
const FARTHEST_GEOMETRY = 3.5;
/** Standard deviation of expression weights around what an encoder said. */
const ENCODED_EXPRESSION_SIGMA = 0.1;
/**
 * What an encoder leaves open of the codes is what landmarks in space would, each coordinate of them with this standard deviation, metres: the codes that show are known, the others
 * are as they were. The errors on held-out portraits are as likely under this as under their own full covariance.
 */
const ENCODED_SIGMA = 0.015;
/** How many independent samples the pixels count as: their errors (skin that no code describes, shadows, things before the face) have much in common. Fewer where an encoder's answer has to be bettered. */
const EFFECTIVE_SAMPLES = 250;
const ENCODED_EFFECTIVE_SAMPLES = 25;
const COLOUR_SIGMA = 0.16;
const SILHOUETTE_WEIGHT = 0.02;
const OUTLINE_SAMPLES = 900;
/** Blur of the photo per scale, as a share of the outer-eye distance. */
const BLURS = [0.05, 0.025, 0.0125];

/**
 * Finds codes, camera, light and texture code: Gauss-Newton on landmarks alone, then on landmarks, pixels and silhouette, coarse to fine. Between two steps of the geometry
 * the appearance is solved for at the samples that can be seen. All photos are of one person: they share geometry and texture codes, and each has an expression, a camera and a light of its own.
 *
 * @param onStep - called before every step with the share of the work done.
 * @returns one fit per photo, and the number of steps.
 * @throws FaceError `NOT_FINITE` when a step cannot be solved.
 */
export async function optimise(
  subject: Subject,
  photos: readonly Evidence[],
  settings: OptimiseSettings,
  seed: number,
  onStep: (fraction: number) => Promise<void>,
): Promise<{ fits: Fit[]; steps: number }> {
  const { vertices, landmarks, chosen, model } = subject;
  const size = landmarks.codeSize;
  const { geometry } = model.manifest.codes;
  const { losses, lightOrder } = settings;
  const total = settings.landmarkSteps + settings.photoSteps.reduce((a, b) => a + b, 0) + 1;
  const { fits, priors } = startFits(subject, photos, lightOrder);
  const sizes = photos.map(() => size + POSE_PARAMETERS);
  const bound = (geometryBound: number, expressionBound: number, poseBound: number) => {
    const one = new Float64Array(size + POSE_PARAMETERS).fill(poseBound, size).fill(expressionBound, geometry, size);
    return joinValues(
      photos.map(() => one.fill(geometryBound, 0, geometry)),
      geometry,
    );
  };
  const bounds = {
    lower: bound(-FARTHEST_GEOMETRY, 0, Number.NEGATIVE_INFINITY),
    upper: bound(FARTHEST_GEOMETRY, 1, Number.POSITIVE_INFINITY),
  };
  let steps = 0;

  const advance = (add: (equations: NormalEquations, photo: number) => void) => {
    const blocks = fits.map(({ codes, pose }, i) => {
      const equations = createNormalEquations(sizes[i]);
      add(equations, i);
      priors[i].add(equations, codes, pose);
      return equations;
    });
    const frozen = priors.map((prior) => Float64Array.from(prior.frozen));
    // The pose's own values do not matter: it has no bounds.
    const values = fits.map(({ codes }) => Float64Array.from([...codes, ...new Array(POSE_PARAMETERS).fill(0)]));
    const joined = solved(
      solveStepWithin(
        joinEquations(blocks, geometry),
        1e-3,
        joinValues(values, geometry),
        bounds,
        Uint8Array.from(joinValues(frozen, geometry)),
      ),
    );
    for (const [i, step] of splitJoined(joined, sizes, geometry).entries()) {
      fits[i].codes = fits[i].codes.map((c, k) => c + step[k]);
      fits[i].pose = stepPose(fits[i].pose, step, size);
    }
    steps++;
  };

  const solved = (step: Float64Array | undefined): Float64Array => {
    if (!step) throw notFinite('optimise', `step ${steps + 1} cannot be solved`);
    return step;
  };
  const addLandmarks = (equations: NormalEquations, i: number, samples = landmarks) => {
    const { target, faceScale, encoded } = photos[i];
    const { codes, pose } = fits[i];
    const positions = samples.codeSize > 0 ? posePoints(samples, codes) : samples.origin;
    const isEncoded = encoded !== undefined;
    addLandmarkEvidence(equations, samples, positions, pose, target, faceScale, isEncoded, losses.landmarks);
  };
  // While the codes stay, each photo's camera is a problem of its own, and a small one.
  const still = fits.map(({ codes }) => fixGeometry(landmarks, codes));
  for (let i = 0; i < Math.min(POSE_STEPS, settings.landmarkSteps); i++) {
    await onStep(steps / total);
    for (const [n, fit] of fits.entries()) {
      const equations = createNormalEquations(POSE_PARAMETERS);
      addLandmarks(equations, n, still[n]);
      priors[n].addOfPose(equations, 0, fit.pose);
      fit.pose = stepPose(fit.pose, solved(solveStep(equations, 1e-3, priors[n].frozen.subarray(size))));
    }
    steps++;
  }
  for (let i = POSE_STEPS; i < settings.landmarkSteps; i++) {
    await onStep(steps / total);
    advance(addLandmarks);
  }

  const solveAppearance = (views: readonly View[], weights: readonly number[], outlier?: number) => {
    const appearances = stepAppearance(
      views.map(({ data }, i) => ({ data, weight: weights[i] })),
      fits.map(({ appearance }) => appearance),
      lightOrder,
    );
    for (const [i, view] of views.entries()) {
      fits[i].appearance = appearances[i];
      retrust(view, appearances[i], outlier);
    }
  };
  const look = async (crops: readonly Crop[], isNewShape: boolean) => {
    const views: View[] = [];
    // One after the other: where one fails, the networks are not asked for the next.
    for (const [i, photo] of photos.entries()) {
      const { codes } = fits[i];
      const all = vertices ? posePoints(vertices, codes) : await skinVertices(model, codes);
      const skin = skinMesh(model, all);
      if (isNewShape) [fits[i].occlusion] = computeOcclusion([skin], OCCLUSION);
      if (!vertices) fits[i].skin = all;
      views.push(lookAtPhoto(subject, photo, fits[i], crops[i], skin));
    }
    return views;
  };
  const effectiveSamples = photos.map(({ encoded }) => (encoded ? ENCODED_EFFECTIVE_SAMPLES : EFFECTIVE_SAMPLES));
  const pixels = vertices && {
    samples: takeSamples(vertices, chosen.index),
    rings: vertexRings(model.uv.topology.skin.triangles, chosen.index),
    outline: chooseOutline(model, vertices, OUTLINE_SAMPLES, seed),
    distances: photos.map(({ mask }) => distanceFromMask(mask)),
  };
  const scales = pixels ? BLURS.slice(0, settings.photoSteps.length) : [];
  for (const [level, share] of scales.entries()) {
    const { samples, rings, outline, distances } = pixels!;
    const crops = blurredLogPhotos(photos, share);
    for (let i = 0; i < settings.photoSteps[level]; i++) {
      await onStep(steps / total);
      const views = await look(crops, i === 0);
      const weights = views.map((view, n) => photometricWeight(view, effectiveSamples[n]));
      for (let k = 0; k < (level === 0 && i === 0 ? 5 : 2); k++) solveAppearance(views, weights);
      advance((equations, photo) => {
        const { codes, pose, appearance } = fits[photo];
        const { data, positions, normals, skin } = views[photo];
        const { crop, faceScale } = photos[photo];
        addLandmarks(equations, photo);
        const { predicted, ...parts } = predictLight(data, appearance);
        const byNormal = lightByNormal(normals, parts, appearance.lighting);
        addShadingLoss(
          equations,
          {
            samples,
            vertices: vertices!,
            rings,
            mesh: skin.positions,
            positions,
            predicted,
            byNormal,
            trust: data.trust,
          },
          pose,
          crops[photo],
          losses.photo * weights[photo],
        );
        addSilhouetteLoss(
          equations,
          outline,
          posePoints(outline, codes),
          pose,
          distances[photo],
          crop,
          0.02 * faceScale,
          losses.silhouette * SILHOUETTE_WEIGHT,
        );
      });
    }
  }
  // The appearance once more, at the final geometry.
  await onStep((total - 1) / total);
  const views = await look(blurredLogPhotos(photos, 0.01), true);
  for (let k = 0; k < settings.appearanceSteps; k++) {
    for (const { data } of views) weighByDisplay(data);
    const weights = views.map((view) => photometricWeight(view, 6 * EFFECTIVE_SAMPLES));
    solveAppearance(views, weights, FINAL_OUTLIER);
  }
  for (const [i, fit] of fits.entries()) {
    fit.appearance = { ...fit.appearance, lighting: matteLight(views[i].data, fit.appearance, lightOrder) };
    fit.shownLight = calmLight(views[i], fit, lightOrder);
    const { codes, pose, appearance } = fit;
    checkFinite('optimise', 'codes', codes);
    checkFinite('optimise', 'the pose', [...pose.rotation, ...pose.translation, pose.focalLengthPx]);
    checkFinite('optimise', 'light and texture code', [...appearance.lighting, ...appearance.texture]);
  }
  return { fits, steps };
}

/** Where each photo starts, and what is believed of it: all at one geometry, the mean of what the encoder said of each, weighed by how far it trusts itself. */
function startFits(subject: Subject, photos: readonly Evidence[], lightOrder: LightOrder) {
  const { model, chosen, landmarks } = subject;
  const { geometry } = model.manifest.codes;
  const shared = new Float64Array(geometry);
  const encodings = photos.flatMap(({ encoded }) => encoded ?? []);
  const total = encodings.reduce((sum, { expectedErrorMm }) => sum + expectedErrorMm ** -2, 0);
  for (const { codes, expectedErrorMm } of encodings) {
    for (let k = 0; k < geometry; k++) shared[k] += codes[k] * (expectedErrorMm ** -2 / total);
  }
  const fits: Fit[] = photos.map(({ encoded, start }) => {
    const codes = encoded?.codes.slice() ?? new Float64Array(landmarks.codeSize);
    codes.set(shared);
    return { codes, pose: start, appearance: createAppearance(chosen.density.codeSize, lightOrder) };
  });
  const information = encodings.length > 0 ? shapeInformation(landmarks, ENCODED_SIGMA) : new Float64Array();
  const counted = countIndependent(
    encodings.map(({ codes }) => codes.subarray(0, geometry)),
    information,
  );
  const priors = photos.map(({ encoded, knowsFocal }, i) =>
    createCodePrior(subject, {
      answer: encoded && {
        codes: encoded.codes,
        weight: counted * (encoded.expectedErrorMm ** -2 / total),
        information,
      },
      // The person's own belongs to no photo; the first one carries it.
      answers: i === 0 ? counted : 1,
      knowsFocal,
    }),
  );
  return { fits, priors };
}

/** The logarithms of the photos, blurred by a share of the faces' scale. */
export function blurredLogPhotos(photos: readonly Evidence[], share: number): Crop[] {
  return photos.map(({ crop, faceScale }) =>
    mapPlane(blur(crop, share * faceScale * crop.scale), (v) => Math.log(v + LIGHT_FLOOR)),
  );
}

/** What a trusted sample's squared colour error counts. */
export function photometricWeight({ trusted }: View, samples = EFFECTIVE_SAMPLES): number {
  return samples / Math.max(1, trusted) / COLOUR_SIGMA ** 2;
}

/**
 * What is believed of codes and camera before the photo is looked at.
 *
 * @param answer - what an encoder said, if one did.
 * @param answers - see `addGeometryPrior`.
 * @param knowsFocal - whether the focal length stays as it is.
 */
function createCodePrior(
  { model }: Subject,
  { answer, answers, knowsFocal }: { answer?: EncoderAnswer; answers: number; knowsFocal: boolean },
) {
  const { codes, expressionNames } = model.manifest;
  const frozen = new Uint8Array(codes.geometry + codes.expression + POSE_PARAMETERS);
  frozen.set(unseenExpressions(expressionNames), codes.geometry);
  frozen[frozen.length - 1] = Number(knowsFocal);
  const expression = answer?.codes.subarray(codes.geometry);
  return {
    frozen,
    /** What of it is about the camera, whose parameters begin at `at`. With a known focal length the face's size says how far away it is. */
    addOfPose(equations: NormalEquations, at: number, pose: Pose) {
      if (!knowsFocal) addDistancePrior(equations, at, pose);
    },
    add(equations: NormalEquations, values: Float64Array, pose: Pose) {
      if (answer) addEncoderAnswer(equations, answer, values, codes.geometry);
      addGeometryPrior(equations, values, codes.geometry, answers);
      addExpressionPrior(equations, expressionNames, values, codes.geometry, pose, {
        centre: expression,
        sigma: expression ? ENCODED_EXPRESSION_SIGMA : EXPRESSION_SIGMA,
      });
      this.addOfPose(equations, codes.geometry + codes.expression, pose);
    },
  };
}

/** The skin's vertices `[V, 3]` at codes `[Dg + De]`, as the network itself gives them. */
async function skinVertices({ manifest, uv }: FaceModel, codes: Float64Array): Promise<Float32Array> {
  const { geometry } = manifest.codes;
  const [own, expression] = [codes.subarray(0, geometry), codes.subarray(geometry)].map((c) => Float32Array.from(c));
  const positions = await uv.surfaceFromUv(uv.topology.skin.uv, { geometry: own, expression });
  checkFinite('optimise', "the skin's vertices", positions);
  return positions;
}

/** From so many sides, by so large maps, what the skin hides is within 1.1 % of all light of what it is from two thousand, in a third of the time that the default takes. */
const OCCLUSION = { directions: 48, size: 96 };

/** The skin's surface. */
export type SkinMesh = Pick<PartMesh, 'positions' | 'normals' | 'indices'>;

/** The skin with its vertices at `positions` `[V, 3]`, metres. */
export function skinMesh({ uv }: FaceModel, positions: Float32Array): SkinMesh {
  const { triangles } = uv.topology.skin;
  return { positions, normals: computeNormals(positions, triangles), indices: triangles };
}

/** Vertices of the face region that are compared with the photo. */
export interface ChosenSamples {
  /** Which of the mesh's vertices. */
  index: Int32Array;
  density: DensitySamples;
}

/** The last choice of each model's vertices, for the next photo. */
const lastChoice = /* @__PURE__ */ new WeakMap<FaceModel['uv'], { key: string; chosen: ChosenSamples }>();

/** Random vertices of the face region, and the density of the albedo there. The same choice again takes no time. */
export async function chooseSamples(
  model: FaceModel,
  count: number,
  seed: number,
  signal?: AbortSignal,
  onProgress?: (fraction: number) => void,
): Promise<ChosenSamples> {
  const key = `${count} of seed ${seed}`;
  const last = lastChoice.get(model.uv);
  if (last?.key === key) return last.chosen;
  const { faceMask, skin } = model.uv.topology;
  const inFace = sampleChartMap(faceMask, skin.uv);
  const index = shuffled(
    Array.from(inFace, (_, n) => n).filter((n) => inFace[n] > 127),
    seed,
  ).slice(0, count);
  const density = await loadDensitySamples(model, takeRows(skin.uv, 2, index), signal, onProgress);
  checkFinite('optimise', 'the albedo of the samples', density.mean);
  checkFinite('optimise', 'the albedo of the samples, by texture code,', density.basis);
  const chosen = { index: Int32Array.from(index), density };
  lastChoice.set(model.uv, { key, chosen });
  return chosen;
}

/** Random vertices of everything outside, for the silhouette. */
function chooseOutline(model: FaceModel, vertices: SurfaceSamples, count: number, seed: number): SurfaceSamples {
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

/** Some of the samples, in the order given. */
export function takeSamples(
  { uv, origin, jacobian, codeSize }: SurfaceSamples,
  index: ArrayLike<number>,
): SurfaceSamples {
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

/** Where the camera is, in the head's frame, metres. */
function eyeOf({ rotation: r, translation: t }: Pose): [number, number, number] {
  const along = (j: number) => -(r[j] * t[0] + r[3 + j] * t[1] + r[6 + j] * t[2]);
  return [along(0), along(1), along(2)];
}

/** How far a place is believed whose normal and direction to the eye make an angle of this cosine. */
function facingShare(cosine: number): number {
  return Math.min(1, Math.max(0, (cosine - 0.1) / 0.4));
}

/** What the samples see in a photo. */
export interface View {
  /** `[N, 3]` where they are, metres, and the skin's normals there, unit length. */
  positions: Float32Array;
  normals: Float32Array;
  /** All that they are some of. */
  skin: SkinMesh;
  data: AppearanceData;
  /** `[N]` how far each is believed before its colour is known, and the sum of what is left of it. */
  base: Float32Array;
  trusted: number;
}

/**
 * What the samples see in the photo at the present codes, and how far each is believed before its colour is known.
 *
 * @param skin - at the fit's codes.
 */
export function lookAtPhoto(
  subject: Subject,
  { crop, mask }: Evidence,
  { pose, appearance, occlusion }: Pick<Fit, 'pose' | 'appearance' | 'occlusion'>,
  logPhoto: Crop,
  skin: SkinMesh,
): View {
  const { chosen } = subject;
  const camera = cropCamera(cameraFromPose(pose), crop.left, crop.top, (crop.scale * VISIBILITY_SIZE) / crop.width);
  const raster = rasterize(
    [skin],
    camera,
    { width: VISIBILITY_SIZE, height: VISIBILITY_SIZE },
    createRaster(VISIBILITY_SIZE, VISIBILITY_SIZE),
  );
  const positions = takeRows(skin.positions, 3, chosen.index);
  const normals = takeRows(skin.normals, 3, chosen.index);
  const visible = visiblePoints(raster, camera, positions, { tolerance: VISIBILITY_TOLERANCE });
  const eye = eyeOf(pose);
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
    base[n] = visible[n] && inside ? facingShare(facing) * person[0] : 0;
  }
  const mirrored = mirroredHarmonics(normals, toEye);
  const transfer = harmonicTransfer(normals, occlusion && takeRows(occlusion, 9, chosen.index));
  const data = { density: chosen.density, transfer, mirrored, logLight, trust: base.slice() };
  const view = { positions, normals, skin, data, base, trusted: 0 };
  retrust(view, appearance);
  return view;
}

/** The light that was found, calmed on skin that is turned away from the camera. */
function calmLight(
  { data, skin: { positions, normals } }: View,
  { pose, appearance, occlusion }: Fit,
  lightOrder: LightOrder,
): Float64Array {
  const eye = eyeOf(pose);
  const away = new Float32Array(positions.length / 3);
  for (let n = 0; n < away.length; n++) {
    const [vx, vy, vz] = [0, 1, 2].map((k) => eye[k] - positions[3 * n + k]);
    const facing = (normals[3 * n] * vx + normals[3 * n + 1] * vy + normals[3 * n + 2] * vz) / Math.hypot(vx, vy, vz);
    away[n] = 1 - facingShare(facing);
  }
  return calmUnseenLight(
    appearance.lighting,
    transferMoment(data.transfer, data.trust),
    transferMoment(harmonicTransfer(normals, occlusion), away),
    lightOrder,
  );
}

/** Squared log-light error at which a sample's weight has fallen to a quarter. */
const OUTLIER = 3 * 0.4 ** 2;
/** The same once the geometry stands: highlights and deep shadows may then be explained by light and texture code, since they move nothing any more. */
const FINAL_OUTLIER = 3 * 0.9 ** 2;
/** From here on a sample is no skin at all (a fringe, a scarf) and never explained. */
const FOREIGN = 3 * 0.8 ** 2;

/** Believes a sample the less, the worse the present appearance explains it: hair, glasses, hands and highlights drop out (Geman-McClure). */
function retrust(view: Pick<View, 'data' | 'base' | 'trusted'>, appearance: Appearance, outlier = OUTLIER): void {
  const { data, base } = view;
  const { predicted } = predictLight(data, appearance);
  // The overall brightness is not an outlier of every sample at once: errors count around their median.
  const offsets = [0, 1, 2].map((c) => {
    const values = new Float64Array(base.length);
    let count = 0;
    for (let n = 0; n < base.length; n++) {
      if (base[n] > 0) values[count++] = data.logLight[3 * n + c] - predicted[3 * n + c];
    }
    return count > 0 ? selectRank(values, count, count >> 1) : 0;
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
