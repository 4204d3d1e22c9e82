import { addPrior, addResidual, addSparseResidual, createNormalEquations, solveStep } from '../normal-equations.js';
import type { DensitySamples } from '../surface-samples.js';

/** Light and albedo of the face: what the photo's colours are explained by. */
export interface Appearance {
  /** `[Dt]` */
  texture: Float64Array;
  /** `[9, 3]` spherical harmonics of the shading. */
  lighting: Float64Array;
}

/** Below this much linear light a camera records noise; it is added inside every logarithm. */
export const LIGHT_FLOOR = 0.012;

/** Y_k(n), real and orthonormal, in the order of docs/conventions.md, into `out` `[9]`. */
export function sphericalHarmonics(x: number, y: number, z: number, out: Float64Array): Float64Array {
  out[0] = 0.282095;
  out[1] = 0.488603 * y;
  out[2] = 0.488603 * z;
  out[3] = 0.488603 * x;
  out[4] = 1.092548 * x * y;
  out[5] = 1.092548 * y * z;
  out[6] = 0.315392 * (3 * z * z - 1);
  out[7] = 1.092548 * x * z;
  out[8] = 0.546274 * (x * x - y * y);
  return out;
}

/** The light that portraits are usually taken in, before anything is known: mostly from everywhere, more from the front and above. */
const USUAL_LIGHT = [2.5, 0.35, 0.6, 0, 0, 0, 0, 0, 0];
/**
 * Standard deviations from it per coefficient, of the light's brightness and of its colour. Tight in brightness, because light and albedo share a scale and a
 * photo's exposure is chosen for the face: what is dark in it is rather the skin.
 */
const BRIGHTNESS_SIGMA = [0.25, 0.6, 0.6, 0.6, 0.25, 0.25, 0.25, 0.25, 0.25];
const COLOUR_SIGMA = [0.22, 0.06, 0.06, 0.06, 0.03, 0.03, 0.03, 0.03, 0.03];
const LEAST_SHADING = 0.03;
/** Density per unit of code below which a code does nothing at a place. */
const NO_SLOPE = 2e-4;
/** Skin reflects less than this, linear. Light that is too weak for it would leave texels that had to be brighter than white. */
const WHITEST_SKIN = 0.75;
/** What that counts beside the colours' own residuals. */
const WHITE_WEIGHT = 2;

export function createAppearance(textureSize: number): Appearance {
  return {
    texture: new Float64Array(textureSize),
    lighting: Float64Array.from({ length: 27 }, (_, i) => USUAL_LIGHT[Math.floor(i / 3)]),
  };
}

export interface AppearanceData {
  density: DensitySamples;
  /** `[N, 3]` world. */
  normals: Float32Array;
  /** `[N, 3]` ln(photo's light + LIGHT_FLOOR) where each sample projects. */
  logLight: Float32Array;
  /** `[N]` */
  trust: Float32Array;
}

/** ln(albedo * shading + LIGHT_FLOOR) of every sample `[N, 3]`, and the two factors themselves. */
export function predictLight(
  { density: { mean, basis, codeSize }, normals }: Pick<AppearanceData, 'density' | 'normals'>,
  { texture, lighting }: Appearance,
) {
  const count = normals.length / 3;
  const albedo = new Float32Array(3 * count);
  const shading = new Float32Array(3 * count);
  const predicted = new Float32Array(3 * count);
  const y = new Float64Array(9);
  for (let n = 0; n < count; n++) {
    sphericalHarmonics(normals[3 * n], normals[3 * n + 1], normals[3 * n + 2], y);
    for (let c = 0; c < 3; c++) {
      const i = 3 * n + c;
      let density = mean[i];
      for (let k = 0; k < codeSize; k++) density += basis[i * codeSize + k] * texture[k];
      let light = 0;
      for (let k = 0; k < 9; k++) light += lighting[3 * k + c] * y[k];
      albedo[i] = Math.min(1, Math.exp(-density));
      shading[i] = Math.max(LEAST_SHADING, light);
      predicted[i] = Math.log(albedo[i] * shading[i] + LIGHT_FLOOR);
    }
  }
  return { albedo, shading, predicted };
}

/**
 * One Gauss-Newton step on texture code and light together, with their priors: N(0, 1) for the code, the usual light for the light, and one-sided, light enough for what
 * the photo shows.
 *
 * @param weight - of a trusted sample's colour against the priors.
 */
export function stepAppearance(data: AppearanceData, appearance: Appearance, weight: number): Appearance {
  const { density, normals, logLight, trust } = data;
  const { basis, codeSize } = density;
  const equations = createNormalEquations(codeSize + 27);
  const { albedo, shading, predicted } = predictLight(data, appearance);
  const parameters = new Int32Array(codeSize + 9);
  const values = new Float64Array(codeSize + 9);
  const y = new Float64Array(9);
  for (let n = 0; n < trust.length; n++) {
    if (trust[n] <= 0) continue;
    sphericalHarmonics(normals[3 * n], normals[3 * n + 1], normals[3 * n + 2], y);
    for (let c = 0; c < 3; c++) {
      const i = 3 * n + c;
      const signal = albedo[i] * shading[i];
      const share = signal / (signal + LIGHT_FLOOR);
      // Most codes change the skin somewhere else.
      let active = 0;
      for (let k = 0; k < codeSize; k++) {
        const slope = basis[i * codeSize + k];
        if (Math.abs(slope) < NO_SLOPE) continue;
        parameters[active] = k;
        values[active++] = -share * slope;
      }
      const codes = active;
      for (let k = 0; k < 9; k++) {
        parameters[active] = codeSize + 3 * k + c;
        values[active++] = (share * y[k]) / shading[i];
      }
      addSparseResidual(equations, parameters, values, active, predicted[i] - logLight[i], weight * trust[n]);
      const tooDark = Math.log(shading[i] * WHITEST_SKIN) - logLight[i];
      if (tooDark >= 0) continue;
      for (let k = 0; k < 9; k++) values[codes + k] = y[k] / shading[i];
      addSparseResidual(
        equations,
        parameters.subarray(codes),
        values.subarray(codes),
        9,
        tooDark,
        WHITE_WEIGHT * weight * trust[n],
      );
    }
  }
  for (let k = 0; k < codeSize; k++) addPrior(equations, k, appearance.texture[k], 1);
  addLightPrior(equations, codeSize, appearance.lighting);
  const step = solveStep(equations, 1e-3);
  if (!step) return appearance;
  return {
    texture: appearance.texture.map((v, k) => Math.min(4, Math.max(-4, v + step[k]))),
    lighting: appearance.lighting.map((v, k) => v + step[codeSize + k]),
  };
}

/** Each coefficient's mean over the channels stays near the usual light, each channel near that mean. */
function addLightPrior(equations: Parameters<typeof addResidual>[0], from: number, lighting: Float64Array): void {
  const row = new Float64Array(from + 27);
  for (let k = 0; k < 9; k++) {
    const at = from + 3 * k;
    const mean = (lighting[3 * k] + lighting[3 * k + 1] + lighting[3 * k + 2]) / 3;
    row.fill(0);
    row.fill(1 / 3, at, at + 3);
    addResidual(equations, row, mean - USUAL_LIGHT[k], 1 / BRIGHTNESS_SIGMA[k] ** 2);
    for (let c = 0; c < 3; c++) {
      row.fill(-1 / 3, at, at + 3);
      row[at + c] += 1;
      addResidual(equations, row, lighting[3 * k + c] - mean, 1 / COLOUR_SIGMA[k] ** 2);
    }
  }
}
