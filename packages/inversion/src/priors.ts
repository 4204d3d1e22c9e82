import { inverse, Matrix } from 'ml-matrix';
import { addGaussianPrior, addPrior, type NormalEquations } from './normal-equations.js';
import type { Pose } from './pose.js';
import { PORTRAIT_DISTANCE } from './stages/start.js';

/** Standard deviation of an expression weight around its usual value. */
export const EXPRESSION_SIGMA = 0.3;
const GAZE_SIGMA = 0.08;
/** How far the logarithm of the distance strays from a portrait's. */
const DISTANCE_SIGMA = 0.25;

/** `[De]` 1 for the shapes that a picture of the skin cannot show. */
export function unseenExpressions(names: readonly string[]): Uint8Array {
  return Uint8Array.from(names, (name) => Number(name === 'tongueOut' || name.startsWith('PupilDilate')));
}

/**
 * What is believed of an expression before it is looked at: eyes look at the camera, and all else is near zero or what somebody said.
 *
 * @param at - where the expression begins in the parameters and in `values`.
 * @param centre - `[De]` in place of zeros.
 */
export function addExpressionPrior(
  equations: NormalEquations,
  names: readonly string[],
  values: Float64Array,
  at: number,
  pose: Pose,
  { centre, sigma = EXPRESSION_SIGMA }: { centre?: Float64Array; sigma?: number } = {},
): void {
  const gaze = gazeAtCamera(pose);
  names.forEach((name, k) => {
    const looking = gaze[name];
    const usual = looking ?? centre?.[k] ?? 0;
    addPrior(equations, at + k, values[at + k] - usual, (looking === undefined ? sigma : GAZE_SIGMA) ** -2);
  });
}

/** What an encoder said of a photo. */
export interface EncoderAnswer {
  /** `[Dg + De]` */
  codes: Float64Array;
  /** How much it counts: 1 on average over a person's photos. */
  weight: number;
  /** `[Dg + De, Dg + De]` what the photo told the encoder of the codes. */
  information: Float64Array;
}

/**
 * What is believed of a person's codes after an encoder has looked at one of the photos: its answer, which leaves open what the photo did not tell. Codes of people are standard normal.
 *
 * @param values - `[Dg + De ..]` the codes now.
 * @param geometry - Dg.
 */
export function addEncoderAnswer(
  equations: NormalEquations,
  { codes, weight, information }: EncoderAnswer,
  values: Float64Array,
  geometry: number,
): void {
  for (let k = 0; k < geometry; k++) addPrior(equations, k, values[k] - codes[k], weight);
  addGaussianPrior(
    equations,
    information,
    codes.map((code, k) => values[k] - code),
    weight,
  );
}

/**
 * What is believed of a person's geometry without a look, less what `answers` encoder answers already hold of it. Each answer lies nearer to the mean face than the person does, because it has this
 * belief in it; together they have it once, or three photos would say no more than one.
 */
export function addGeometryPrior(
  equations: NormalEquations,
  values: Float64Array,
  geometry: number,
  answers: number,
): void {
  for (let k = 0; k < geometry; k++) addPrior(equations, k, values[k], 1 - answers);
}

/** Mean squared length of answers, over what is expected of it, up to which they are believed to be independent, and from which on they are not at all. */
const PLAUSIBLE = [2, 3] as const;

/**
 * As how many independent answers those to a person's photos count, 1 to their number. An encoder that knows the like of the photos errs in its own way on each. One that does not imagines the same
 * in all of them, and too much of it: its answers are longer than what photos can tell, of which they are the means, E |answer|^2 = trace (1 + information)^-1 information.
 *
 * @param geometries - `[Dg]` each photo's answer.
 * @param information - `[Dg + De, Dg + De]`
 */
export function countIndependent(geometries: readonly Float64Array[], information: Float64Array): number {
  if (geometries.length < 2) return geometries.length;
  const size = geometries[0].length;
  const stride = Math.sqrt(information.length);
  const precision = Matrix.eye(size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) precision.set(i, j, precision.get(i, j) + information[i * stride + j]);
  }
  const expected = size - inverse(precision).trace();
  const mean = geometries.reduce((sum, code) => sum + code.reduce((a, c) => a + c * c, 0), 0) / geometries.length;
  const [whole, none] = PLAUSIBLE;
  const trust = Math.min(1, Math.max(0, (none - mean / expected) / (none - whole)));
  return 1 + (geometries.length - 1) * trust;
}

/** What is believed of the distance: that of a portrait. `at` is where the pose begins in the parameters. */
export function addDistancePrior(equations: NormalEquations, at: number, pose: Pose): void {
  // The distance along the viewing axis is -t_z for a head at the world's origin.
  const distance = Math.max(0.2, -pose.translation[2]);
  const difference = distance * -Math.log(distance / PORTRAIT_DISTANCE);
  addPrior(equations, at + 5, difference, (DISTANCE_SIGMA * distance) ** -2);
}

/** The eyeLook* weights with which both eyes look into the camera, as people in portraits do. */
export function gazeAtCamera({ rotation: r, translation: t }: Pose): Record<string, number> {
  const camera = [0, 1, 2].map((j) => -(r[j] * t[0] + r[3 + j] * t[1] + r[6 + j] * t[2]));
  const yaw = Math.atan2(camera[0], camera[2] - 0.08);
  const pitch = Math.atan2(camera[1] - 0.036, Math.hypot(camera[0], camera[2] - 0.08));
  const weight = (angle: number, full: number) => Math.min(0.7, Math.max(0, angle / full));
  // The angles at full weight are those of the model's eyes.
  const [out, inward, up, down] = [30, 28, 25, 28].map((degrees) => (degrees * Math.PI) / 180);
  return {
    eyeLookOut_L: weight(yaw, out),
    eyeLookIn_R: weight(yaw, inward),
    eyeLookIn_L: weight(-yaw, inward),
    eyeLookOut_R: weight(-yaw, out),
    eyeLookUp_L: weight(pitch, up),
    eyeLookUp_R: weight(pitch, up),
    eyeLookDown_L: weight(-pitch, down),
    eyeLookDown_R: weight(-pitch, down),
  };
}
