import { addTuning } from '@implicit-faces/avatar';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { notFinite } from '../finite.js';
import { addLandmarkEvidence } from '../losses/landmark-evidence.js';
import { addPhotometricLoss } from '../losses/photometric-loss.js';
import { addPrior, createNormalEquations, joinEquations, solveStep } from '../normal-equations.js';
import { POSE_PARAMETERS } from '../pose.js';
import { posePoints, type SurfaceSamples } from '../surface-samples.js';
import { predictLight } from './appearance.js';
import {
  blurredLogPhotos,
  type Evidence,
  type Fit,
  lookAtPhoto,
  photometricWeight,
  type Subject,
  skinMesh,
  takeSamples,
} from './optimise.js';

/** How far the weights are believed to be from where training left them: what that does to a coordinate of a place on the face, root mean square, metres. */
export const TUNING_SIGMA = 0.0003;
/** Directions of the last layer that are tuned, those that move the face most; the rest stays. */
export const TUNED_DIRECTIONS = 48;
/** Blur of the photo, as a share of the outer-eye distance: that of the last steps on codes. */
const BLUR = 0.0125;

/**
 * Directions in which g^-1's last layer may change. What its features are can be read off its Jacobian, of which every entry is one linear function of them: an offset that is linear in the
 * entries is a change of the last layer's weights, and needs no other graph.
 */
export interface TuningBasis {
  /** `[K, 3, Dg]` unit vectors in the space of Jacobian entries times the offset, metres, that one unit of the parameter makes: N(0, 1) parameters move the face by `sigma`. */
  directions: Float32Array;
  count: number;
}

/**
 * The principal directions of the features over some places of the face.
 *
 * @param sigma - root mean square of a coordinate's offset over these places when all parameters are N(0, 1), metres.
 */
export function tuningBasis(
  { count, jacobian, codeSize }: SurfaceSamples,
  geometrySize: number,
  directions = TUNED_DIRECTIONS,
  sigma = TUNING_SIGMA,
): TuningBasis {
  const size = 3 * geometrySize;
  const covariance = Matrix.zeros(size, size);
  const row = new Float64Array(size);
  for (let n = 0; n < count; n++) {
    features(jacobian, n, codeSize, geometrySize, row);
    for (let i = 0; i < size; i++) {
      if (row[i] === 0) continue;
      for (let j = i; j < size; j++) covariance.set(i, j, covariance.get(i, j) + (row[i] * row[j]) / count);
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) covariance.set(i, j, covariance.get(j, i));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const kept = order.slice(0, Math.min(directions, size));
  const variance = kept.reduce((sum, k) => sum + Math.max(0, realEigenvalues[k]), 0);
  const scale = sigma / Math.sqrt(variance || 1);
  const out = new Float32Array(kept.length * size);
  kept.forEach((k, at) => {
    for (let i = 0; i < size; i++) out[at * size + i] = scale * eigenvectorMatrix.get(i, k);
  });
  return { directions: out, count: kept.length };
}

/** A place's Jacobian entries by the geometry code, `[3 * Dg]`. */
function features(jacobian: Float32Array, n: number, codeSize: number, geometrySize: number, out: Float64Array): void {
  for (let b = 0; b < 3; b++) {
    const from = (3 * n + b) * codeSize;
    for (let k = 0; k < geometrySize; k++) out[b * geometrySize + k] = jacobian[from + k];
  }
}

/** The same places as functions of the tuning's parameters `[3, K]` alone, at fixed codes: points are `origin + jacobian . parameters`. */
export function tuningSamples(
  samples: SurfaceSamples,
  geometrySize: number,
  { directions, count: K }: TuningBasis,
  codes: Float64Array,
): SurfaceSamples {
  const { count, uv, jacobian, codeSize } = samples;
  const size = 3 * geometrySize;
  const own = new Float32Array(3 * count * 3 * K);
  const row = new Float64Array(size);
  for (let n = 0; n < count; n++) {
    features(jacobian, n, codeSize, geometrySize, row);
    for (let k = 0; k < K; k++) {
      let value = 0;
      for (let i = 0; i < size; i++) value += directions[k * size + i] * row[i];
      for (let a = 0; a < 3; a++) own[(3 * n + a) * 3 * K + a * K + k] = value;
    }
  }
  return { count, uv, origin: posePoints(samples, codes), jacobian: own, codeSize: 3 * K };
}

/** The tuning `[3, 3, Dg]` of an avatar that parameters `[3, K]` make. */
export function tuningOf(parameters: Float64Array, { directions, count: K }: TuningBasis): Float32Array {
  const size = directions.length / K;
  const tuning = new Float32Array(3 * size);
  for (let a = 0; a < 3; a++) {
    for (let k = 0; k < K; k++) {
      for (let i = 0; i < size; i++) tuning[a * size + i] += parameters[a * K + k] * directions[k * size + i];
    }
  }
  return tuning;
}

/** Samples whose places a tuning has moved, at any codes. */
function tuned(samples: SurfaceSamples, geometrySize: number, tuning: Float32Array): SurfaceSamples {
  return { ...samples, origin: addTuning(samples.origin.slice(), samples.jacobian, geometrySize, tuning) };
}

/**
 * Pivotal tuning: around codes, cameras and light that stay, the last layer of g^-1 changes so that landmarks and pixels are met better, as far as a Gaussian prior on its weights lets it. The silhouette does not
 * count. The change is the person's, the same in every photo and expression, so blendshapes are what they were.
 *
 * @param steps - Gauss-Newton steps.
 * @param onStep - called before every step with the share of the work done.
 * @returns `[3, 3, Dg]` of `Avatar.tuning`.
 * @throws FaceError `NOT_FINITE` when a step cannot be solved.
 * @see Lin et al. 2023, section 4, and Roich et al., "Pivotal tuning for latent-based editing of real images", 2022. They take 60 steps of a first-order method on all weights.
 */
export async function finetune(
  subject: Subject,
  photos: readonly Evidence[],
  fits: readonly Fit[],
  steps: number,
  onStep: (fraction: number) => Promise<void>,
): Promise<Float32Array> {
  const { landmarks, chosen, model } = subject;
  const vertices = subject.vertices!;
  const { geometry } = model.manifest.codes;
  const samples = takeSamples(vertices, chosen.index);
  const basis = tuningBasis(samples, geometry);
  const size = 3 * basis.count;
  const parameters = new Float64Array(size);
  const places = fits.map(({ codes }) => ({
    landmarks: tuningSamples(landmarks, geometry, basis, codes),
    samples: tuningSamples(samples, geometry, basis, codes),
  }));
  const crops = blurredLogPhotos(photos, BLUR);
  const frozen = new Uint8Array(size + photos.length * POSE_PARAMETERS).fill(1, size);
  for (let step = 0; step < steps; step++) {
    await onStep(step / steps);
    const moved = tuned(vertices, geometry, tuningOf(parameters, basis));
    const blocks = photos.map((photo, i) => {
      const equations = createNormalEquations(size + POSE_PARAMETERS);
      const { pose, appearance } = fits[i];
      const view = lookAtPhoto(
        subject,
        photo,
        fits[i],
        crops[i],
        skinMesh(subject.model, posePoints(moved, fits[i].codes)),
      );
      addLandmarkEvidence(
        equations,
        places[i].landmarks,
        posePoints(places[i].landmarks, parameters),
        pose,
        photo.target,
        photo.faceScale,
      );
      addPhotometricLoss(
        equations,
        places[i].samples,
        view.positions,
        pose,
        crops[i],
        predictLight(view.data, appearance).predicted,
        view.data.trust,
        photometricWeight(view),
      );
      return equations;
    });
    for (let k = 0; k < size; k++) addPrior(blocks[0], k, parameters[k], 1);
    const joined = solveStep(joinEquations(blocks, size), 1e-3, frozen);
    if (!joined) throw notFinite('finetune', `step ${step + 1} cannot be solved`);
    for (let k = 0; k < size; k++) parameters[k] += joined[k];
  }
  return tuningOf(parameters, basis);
}
