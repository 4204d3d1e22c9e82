import { type Avatar, type Camera, type RgbaImage, solveBoundedLeastSquares } from '@implicit-faces/avatar';
import { isFaceError, mergeOptions } from '@implicit-faces/runtime';
import { FaceError } from './errors.js';
import { addLandmarkEvidence, landmarkTarget, outerEyeDistance } from './losses/landmark-evidence.js';
import { createNormalEquations, solveStepWithin } from './normal-equations.js';
import { createOneEuroFilter, createOneEuroRotation, type OneEuroSettings } from './one-euro.js';
import { checkImage } from './photo.js';
import {
  cameraFromPose,
  createProjected,
  POSE_PARAMETERS,
  type Pose,
  projectWithDerivatives,
  rotationQuaternion,
  stepPose,
} from './pose.js';
import { addDistancePrior, addExpressionPrior, unseenExpressions } from './priors.js';
import { startPose } from './stages/start.js';
import { fixGeometry, loadSurfaceSamples, posePoints } from './surface-samples.js';
import type { InvertImageOptions } from './types.js';

/** A frame of a clip: 8-bit sRGB RGBA, upright. */
export interface ClipFrame extends RgbaImage {
  /** Seconds from any zero, rising from frame to frame. */
  time: number;
}

export interface TrackerOptions extends Pick<InvertImageOptions, 'ort' | 'model' | 'landmarks' | 'faceIndex'> {
  /** The camera's, in pixels of the frames. Estimated from the first frame with a face when absent. */
  focalLengthPx?: number;
  /** How results are steadied in time; `false` for the frames' own. */
  smoothing?: Smoothing | false;
}

/** How results are steadied: expression weights, and the head's pose in radians. */
export interface Smoothing {
  expression: OneEuroSettings;
  pose: OneEuroSettings;
}

export const TRACKER_DEFAULTS = {
  faceIndex: 0,
  smoothing: { expression: { minCutoffHz: 2, beta: 4 }, pose: { minCutoffHz: 1.5, beta: 20 } } as Smoothing | false,
};

/** What one frame shows. Where no face is found, everything but `confidence` and the landmarks is the last frame's. */
export interface TrackedFrame {
  time: number;
  /** 0 to 1, the landmark network's own; 0 when there is no face. */
  confidence: number;
  /** `[De]`, 0 to 1: fits the geometry code of any avatar of the same model. */
  codes: { expression: Float32Array };
  /** The same by Apple's 52 names, 0 to 1. */
  weights: Record<string, number>;
  /** The head before the camera, in the frame's pixels. */
  camera: Camera;
  /** Where the head is and how it is turned in the camera's axes (glTF: +Y up, the camera looks to -Z): unit quaternion x, y, z, w, and metres. */
  head: { rotation: [number, number, number, number]; translation: [number, number, number] };
  /** `[468, 3]` as detected, the frame's pixels. */
  landmarks?: Float32Array;
  /** Mean distance from these to the avatar's, over that of the eyes' outer corners. */
  landmarkError?: number;
}

/** Follows one face through the frames of a clip, or of a camera. */
export interface Tracker {
  /**
   * Finds expression and head pose in the next frame. One frame at a time: wait for the last one's promise.
   *
   * @throws FaceError `IMAGE` for arrays that are no picture, `OPTION` for a time that is no number. A face that is not there is no error: `confidence` is then 0. Throws the signal's reason when aborted.
   */
  track(frame: ClipFrame, options?: { signal?: AbortSignal }): Promise<TrackedFrame>;
  /** Forgets the face and the camera, for a new clip. */
  reset(): void;
}

/** Steps per frame from the last one's solution, and where there is none, of which the first ones move the pose alone. */
const STEPS = 3;
const FIRST_STEPS = 12;
const POSE_STEPS = 4;
/** Standard deviation of the change of an expression weight in a second, and at least. */
const CHANGE_SIGMA = 6;
const LEAST_SECONDS = 1e-3;

/** What was found last: without smoothing, where the next frame starts from. */
interface State {
  codes: Float64Array;
  pose: Pose;
  points: Float32Array;
  width: number;
  height: number;
  time: number;
}

/**
 * Makes a tracker for an avatar: identity, texture and light stay, expression and head pose are found per frame. Landmarks are linear in the expression, so a frame is one run of the landmark network and a
 * few Gauss-Newton steps of arithmetic, warm from the last frame.
 *
 * @param avatar - of the person in the clip, as `invertImage` makes it; another person's geometry bends the expression to explain the difference.
 * @throws FaceError `MODEL_MISMATCH` when the avatar is of another model, `OPTION` for options that mean nothing.
 * @example
 * const tracker = await createTracker(avatar, { ort, model, landmarks });
 * const { weights, head } = await tracker.track({ ...frame, time: 0.04 });
 * weights.jawOpen; // 0.31
 * @see Lin et al. 2023, section 5: their performance capture optimises codes for every frame; this solves for them.
 */
export async function createTracker(avatar: Avatar, options: TrackerOptions): Promise<Tracker> {
  const { model, landmarks: landmarker, focalLengthPx: knownFocal } = options;
  const settings = mergeOptions(TRACKER_DEFAULTS, { faceIndex: options.faceIndex, smoothing: options.smoothing });
  check(avatar, options);
  const { expressionNames: names, arkitNames } = model.manifest;
  const { landmarks: places, rig } = model.uv.topology;
  const samples = fixGeometry(await loadSurfaceSamples(model, places[468]), avatar.geometryCode);
  const size = names.length;
  const bounds = { lower: new Float64Array(size), upper: new Float64Array(size).fill(1) };
  const unseen = new Uint8Array(size + POSE_PARAMETERS);
  unseen.set(unseenExpressions(names));
  const [jawOpen, mouthClose] = ['jawOpen', 'mouthClose'].map((name) => names.indexOf(name));
  const smooth = settings.smoothing ? createSmoother(settings.smoothing) : undefined;
  let last: State | undefined;
  let result: TrackedFrame | undefined;
  let focalLengthPx: number | undefined = knownFocal;
  let searched = false;

  const find = async (frame: ClipFrame, signal?: AbortSignal) => {
    const sameSize = last?.width === frame.width && last.height === frame.height;
    const followed = last && sameSize ? await landmarker.track(frame, last.points, { signal }) : undefined;
    if (followed) return { ...followed, isFollowed: true };
    try {
      // Small faces are searched for once, not in every frame that shows nobody.
      const found = await landmarker.detect(frame, { index: settings.faceIndex, tiles: !searched, signal });
      return { points: found.points, score: found.score, isFollowed: false };
    } catch (error) {
      if (isFaceError(error, 'NO_FACE') || isFaceError(error, 'FACE_INDEX')) return undefined;
      throw error;
    } finally {
      searched = true;
    }
  };

  /** Gauss-Newton from a start; nothing when the numbers run away. */
  const solve = (points: Float32Array, start: Pick<State, 'codes' | 'pose'>, seconds?: number) => {
    const faceScale = outerEyeDistance(points);
    const target = landmarkTarget(points, faceScale);
    const from = start.codes;
    let { codes, pose } = start;
    const isFocalFree = focalLengthPx === undefined;
    const steps = seconds === undefined ? FIRST_STEPS : STEPS;
    for (let i = 0; i < steps; i++) {
      const equations = createNormalEquations(size + POSE_PARAMETERS);
      addLandmarkEvidence(equations, samples, posePoints(samples, codes), pose, target, faceScale);
      addExpressionPrior(equations, names, codes, 0, pose);
      if (isFocalFree) addDistancePrior(equations, size, pose);
      if (seconds !== undefined) {
        const weight = (CHANGE_SIGMA * seconds) ** -2;
        for (let k = 0; k < size; k++) {
          equations.matrix[k * equations.size + k] += weight;
          equations.gradient[k] += weight * (codes[k] - from[k]);
        }
      }
      const frozen = unseen.slice();
      if (!isFocalFree) frozen[size + POSE_PARAMETERS - 1] = 1;
      if (seconds === undefined && i < POSE_STEPS) frozen.fill(1, 0, size);
      // It corrects jawOpen, and means nothing beyond it.
      if (mouthClose >= 0) bounds.upper[mouthClose] = codes[jawOpen];
      const step = solveStepWithin(equations, 1e-3, codes, bounds, frozen);
      if (!step) return undefined;
      codes = codes.map((c, k) => c + step[k]);
      pose = stepPose(pose, step, size);
    }
    if (!(pose.translation.every(Number.isFinite) && pose.translation[2] < 0)) return undefined;
    return { codes, pose, landmarkError: meanError(points, posePoints(samples, codes), pose) / faceScale };
  };

  const lost = (time: number): TrackedFrame => {
    last = undefined;
    smooth?.reset();
    const { camera, head } = result ?? { camera: avatar.camera, head: headOf(avatar.camera) };
    const codes = { expression: result?.codes.expression.slice() ?? new Float32Array(size) };
    const weights = result ? { ...result.weights } : Object.fromEntries(arkitNames.map((name) => [name, 0]));
    return { time, confidence: 0, codes, weights, camera, head };
  };

  return {
    async track(frame, { signal } = {}) {
      signal?.throwIfAborted();
      checkImage('track', frame);
      const { width, height, time } = frame;
      if (!Number.isFinite(time)) {
        throw new FaceError('OPTION', `track: time should be a number of seconds; received ${time}.`);
      }
      const found = await find(frame, signal);
      signal?.throwIfAborted();
      if (!found?.points.every(Number.isFinite)) return lost(time);
      const { points, score, isFollowed } = found;
      const seconds = last && isFollowed ? Math.max(LEAST_SECONDS, time - last.time) : undefined;
      // A camera of another size is another camera.
      if (last && (last.width !== width || last.height !== height)) focalLengthPx = knownFocal;
      if (seconds === undefined) smooth?.reset();
      const codes = last?.codes ?? new Float64Array(size);
      const middle: [number, number] = [width / 2, height / 2];
      const pose =
        last && isFollowed ? last.pose : startPose(posePoints(samples, codes), points, middle, focalLengthPx);
      const solved = solve(points, { codes, pose }, seconds);
      if (!solved) return lost(time);
      focalLengthPx = solved.pose.focalLengthPx;
      last = { codes: solved.codes, pose: solved.pose, points, width, height, time };
      const steady = smooth ? smooth.filter(solved, seconds ?? 1) : solved;
      const camera = cameraFromPose(steady.pose);
      const expression = Float32Array.from(steady.codes);
      const weights = solveBoundedLeastSquares(rig.matrix, expression);
      result = {
        time,
        confidence: Math.min(1, Math.max(0, score)),
        codes: { expression },
        weights: Object.fromEntries(arkitNames.map((name, k) => [name, weights[k]])),
        camera,
        head: headOf(camera),
        landmarks: points,
        landmarkError: solved.landmarkError,
      };
      return result;
    },
    reset() {
      last = undefined;
      result = undefined;
      focalLengthPx = knownFocal;
      searched = false;
      smooth?.reset();
    },
  };
}

function check(avatar: Avatar, { model, focalLengthPx }: TrackerOptions): void {
  if (avatar.modelId !== model.manifest.id) {
    throw new FaceError(
      'MODEL_MISMATCH',
      `createTracker: the avatar is of model ${avatar.modelId}; received model ${model.manifest.id}. Codes of one model mean nothing in another.`,
    );
  }
  if (focalLengthPx !== undefined && !(focalLengthPx > 0 && Number.isFinite(focalLengthPx))) {
    throw new FaceError('OPTION', `createTracker: focalLengthPx should be above 0; received ${focalLengthPx}.`);
  }
}

/** Mean distance of detected points `[468, 3]` from the model's, pixels. */
function meanError(points: Float32Array, positions: Float32Array, pose: Pose): number {
  const projected = createProjected();
  let sum = 0;
  for (let i = 0; i < points.length; i += 3) {
    projectWithDerivatives(pose, positions[i], positions[i + 1], positions[i + 2], projected);
    sum += Math.hypot(projected.x - points[i], projected.y - points[i + 1]);
  }
  return (3 * sum) / points.length;
}

function headOf({ cameraFromWorld: m }: Camera): TrackedFrame['head'] {
  const rotation = new Float64Array([m[0], m[4], m[8], m[1], m[5], m[9], m[2], m[6], m[10]]);
  return { rotation: rotationQuaternion(rotation), translation: [m[12], m[13], m[14]] };
}

/**
 * Steadies expression and pose. The place is filtered as the eye sees it (direction and logarithm of the distance), because errors of the distance move the head along the ray
 * and not across it.
 */
function createSmoother({ expression, pose: settings }: Smoothing) {
  const weights = createOneEuroFilter(expression);
  const place = createOneEuroFilter(settings);
  const rotation = createOneEuroRotation(settings);
  return {
    filter({ codes, pose }: Pick<State, 'codes' | 'pose'>, seconds: number) {
      const [x, y, z] = pose.translation;
      const [across, up, log] = place.filter(new Float64Array([x / -z, y / -z, Math.log(-z)]), seconds);
      const distance = Math.exp(log);
      return {
        codes: weights.filter(codes, seconds),
        pose: {
          ...pose,
          rotation: rotation.filter(pose.rotation, seconds),
          translation: new Float64Array([across * distance, up * distance, -distance]),
        },
      };
    },
    reset() {
      for (const filter of [weights, place, rotation]) filter.reset();
    },
  };
}
