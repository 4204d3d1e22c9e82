import { FACE_OVAL, LEFT_EYE_OUTER, RIGHT_EYE_OUTER } from '@implicit-faces/landmarks';
import type { NormalEquations } from '../normal-equations.js';
import type { Pose } from '../pose.js';
import type { SurfaceSamples } from '../surface-samples.js';
import { addLandmarkLoss, type LandmarkTarget } from './landmark-loss.js';
import { addPairLoss } from './pair-loss.js';

/** Standard deviations of a detected landmark over the outer-eye distance. Points of the oval slide along the cheeks, so they say less. */
const LANDMARK_SIGMA = 0.012;
const OVAL_SIGMA = 0.04;
/** Pairs of landmarks across the openings of the mouth (inner lips) and the eyes (lids). */
const OPENINGS = [
  ...[
    [13, 14],
    [82, 87],
    [312, 317],
    [81, 178],
    [311, 402],
    [80, 88],
    [310, 318],
  ],
  ...[
    [159, 145],
    [158, 153],
    [160, 144],
    [386, 374],
    [385, 380],
    [387, 373],
  ],
] as [number, number][];
/** Over the outer-eye distance. Half a millimetre between closed lips shows teeth that are not there. */
const OPENING_SIGMA = 0.004;
const OPENING_WEIGHT = 2;
/** Neighbouring landmarks and samples are wrong together, so they count as fewer than they are. */
const LANDMARK_WEIGHT = 0.25;

/**
 * The same once an encoder has looked at the landmarks: they say nothing more of the codes then (on 786 held-out portraits, the errors of its codes cannot be told from where the landmarks
 * of these codes and the detected ones differ), and the detector is wrong by 2 mm a coordinate, alike for many points at once. What is left holds the head in place and an encoder that is
 * strange to photos to them: with a tenth of it, and pixels that are no model's skin, heads drift. Two thirds of
 * it held heads less well in photos once pixels count by their shading, too.
 */
const ENCODED_LANDMARK_WEIGHT = 0.02;
const ENCODED_OPENING_WEIGHT = 0.2;

/**
 * Adds all that the 468 detected landmarks say, over codes then pose: where they are, and how far eyes and mouth are open.
 *
 * @param positions - `[468, 3]` the samples at the present codes.
 * @param faceScale - outer-eye distance, pixels.
 * @param encoded - whether an encoder's answer is believed, which knows of the landmarks.
 * @param weight - multiplies all of it.
 */
export function addLandmarkEvidence(
  equations: NormalEquations,
  samples: SurfaceSamples,
  positions: Float32Array,
  pose: Pose,
  target: LandmarkTarget,
  faceScale: number,
  encoded = false,
  weight = 1,
): void {
  const [landmarks, openings] = encoded
    ? [ENCODED_LANDMARK_WEIGHT, ENCODED_OPENING_WEIGHT]
    : [LANDMARK_WEIGHT, OPENING_WEIGHT];
  addLandmarkLoss(equations, samples, positions, pose, target, weight * landmarks);
  addPairLoss(equations, samples, positions, pose, target, OPENINGS, OPENING_SIGMA * faceScale, weight * openings);
}

/** The distance between the eyes' outer corners `[468, 3]`, in the points' own unit: the scale of a face. */
export function outerEyeDistance(points: Float32Array): number {
  const [a, b] = [3 * LEFT_EYE_OUTER, 3 * RIGHT_EYE_OUTER];
  return Math.hypot(points[a] - points[b], points[a + 1] - points[b + 1], points[a + 2] - points[b + 2]);
}

/**
 * Detected points as what the losses take.
 *
 * @param points - `[468, 3]` pixels.
 */
export function landmarkTarget(points: Float32Array, faceScale = outerEyeDistance(points)): LandmarkTarget {
  const count = points.length / 3;
  const target = {
    points: new Float32Array(2 * count),
    sigma: new Float32Array(count).fill(LANDMARK_SIGMA * faceScale),
  };
  for (let n = 0; n < count; n++) target.points.set([points[3 * n], points[3 * n + 1]], 2 * n);
  for (const n of FACE_OVAL) target.sigma[n] = OVAL_SIGMA * faceScale;
  return target;
}
