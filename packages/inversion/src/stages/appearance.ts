import { sphericalHarmonics } from '@implicit-faces/avatar';
import {
  addGaussianPrior,
  addPrior,
  addResidual,
  addSparseResidual,
  createNormalEquations,
  joinEquations,
  type NormalEquations,
  solveStep,
  splitJoined,
} from '../normal-equations.js';
import type { DensitySamples } from '../surface-samples.js';
import type { LightOrder } from '../types.js';

/** Light and albedo of the face: what the photo's colours are explained by. */
export interface Appearance {
  /** `[Dt]` */
  texture: Float64Array;
  /** `[9, 3]` spherical harmonics of the shading. */
  lighting: Float64Array;
}

/** Below this much linear light a camera records noise; it is added inside every logarithm. */
export const LIGHT_FLOOR = 0.012;

/** The derivatives of `sphericalHarmonics` by x, y and z, as the polynomials that they are, into `out` `[9, 3]`; along the sphere they are those of Y_k. */
export function sphericalHarmonicsGradient(x: number, y: number, z: number, out: Float64Array): Float64Array {
  out.fill(0);
  out[4] = 0.488603;
  out[8] = 0.488603;
  out[9] = 0.488603;
  out[12] = 1.092548 * y;
  out[13] = 1.092548 * x;
  out[16] = 1.092548 * z;
  out[17] = 1.092548 * y;
  out[20] = 0.315392 * 6 * z;
  out[21] = 1.092548 * z;
  out[23] = 1.092548 * x;
  out[24] = 0.546274 * 2 * x;
  out[25] = -0.546274 * 2 * y;
  return out;
}

/** The light that portraits are usually taken in, before anything is known: mostly from everywhere, more from the front and above. */
const USUAL_LIGHT = [2.5, 0.35, 0.6, 0, 0, 0, 0, 0, 0];
/** Standard deviations from it per coefficient, of the light's brightness and of its colour: its shape. Its strength is the exposure's. */
const BRIGHTNESS_SIGMA = [1, 0.6, 0.6, 0.6, 0.25, 0.25, 0.25, 0.25, 0.25];
/**
 * How a face is exposed, by whom or what took the photo: the mean shading of what is seen of it, at the usual albedo, and by which power of the albedo dark faces get more. Colour
 * is taken away by the white balance. With 0.82 the albedos of twenty portraits of training's skins and maps came out a tenth too bright.
 */
const EXPOSURE = { shading: 0.88, albedo: 0.3, lift: 0.2 };
/**
 * Standard deviation of the exposure's logarithm and of its colour's. Exposures vary more than this. But light and albedo share a scale, so what the model can not explain (shadows,
 * highlights that are sharper than its own) buys a slightly better fit by a far off scale, the more so the more the colours weigh. In a trial on ten synthetic portraits of training's skins and
 * maps, at a 25th of the final weight, going from 0.18 to 0.06 took the albedo's mean error from 0.074 to 0.048.
 */
const EXPOSURE_SIGMA = 0.01;
/** Skin mirrors light of the light's own colour: this much of it straight on, and that much more at grazing angles. A fit to Schlick's law with the shadowing of skin's roughness. */
const MIRRORED = { straight: 0.026, grazing: 0.25, power: 4 };
/** What is left of each order of the harmonics in a mirror image as blurred as skin's, beside what is left of it in matte shading (1, 2/3, 1/4). */
const MIRRORED_BY_ORDER = [1, 0.85 / (2 / 3), 0.6 / (1 / 4)];
const COLOUR_SIGMA = [0.22, 0.06, 0.06, 0.06, 0.03, 0.03, 0.03, 0.03, 0.03];
const LEAST_SHADING = 0.03;
/** Density per unit of code below which a code does nothing at a place. */
const NO_SLOPE = 2e-4;
/** Skin reflects less than this, linear. Light that is too weak for it would leave texels that had to be brighter than white. */
const WHITEST_SKIN = 0.75;
/** What that counts beside the colours' own residuals. */
const WHITE_WEIGHT = 0.02;
/** What the light that was found counts beside a sample of the picture: little for its strength, which the mean highlight adds to, much for its shape, that single channels would lose at the face's sides. */
const MATTE_PRIOR = { strength: 1e-5, shape: 0.01 };
/** What the light's colour where the photo shows nothing counts, beside its change where it does. */
const UNSEEN_WEIGHT = 0.2;
const DISPLAY_GAMMA = 1 / 2.2;

/** The mean texture in the usual light, as far as its order goes. */
export function createAppearance(textureSize: number, lightOrder: LightOrder = 2): Appearance {
  const beyond = beyondOrder(lightOrder);
  return {
    texture: new Float64Array(textureSize),
    lighting: Float64Array.from({ length: 27 }, (_, i) => (beyond[i] ? 0 : USUAL_LIGHT[Math.floor(i / 3)])),
  };
}

/** `[9, 3]` 1 for the coefficients that a light of an order does not have. */
function beyondOrder(order: LightOrder): Uint8Array {
  return new Uint8Array(27).fill(1, 3 * (order + 1) ** 2);
}

export interface AppearanceData {
  density: DensitySamples;
  /** `[N, 9]` what each coefficient of the shading does at a sample, of `harmonicTransfer`. */
  transfer: Float32Array;
  /** `[N, 9]` of `mirroredHarmonics`; skin is matte when absent. */
  mirrored?: Float32Array;
  /** `[N, 3]` ln(photo's light + LIGHT_FLOOR) where each sample projects. */
  logLight: Float32Array;
  /** `[N]` */
  trust: Float32Array;
}

/**
 * The mean over places of transfer transfer^T, `[9, 9]`: shading = lighting . transfer has the mean square lighting^T moment lighting there.
 *
 * @param transfer - `[V, 9]` of `harmonicTransfer`.
 * @param weights - `[V]` what each place counts.
 */
export function transferMoment(transfer: Float32Array, weights: Float32Array): Float64Array {
  const moment = new Float64Array(81);
  let total = 0;
  for (let n = 0; n < weights.length; n++) {
    const w = weights[n];
    if (w <= 0) continue;
    total += w;
    for (let k = 0; k < 9; k++) {
      const scaled = w * transfer[9 * n + k];
      for (let l = 0; l < 9; l++) moment[9 * k + l] += scaled * transfer[9 * n + l];
    }
  }
  return total > 0 ? moment.map((m) => m / total) : moment;
}

/**
 * A light with less colour where nobody saw what it does. What is seen does not say what falls on the rest, but harmonics reach all around, and what hair, beard or cloth at the outline of the seen
 * did to them glows there in yellow or blue. So the colour (each channel's difference from the mean of the three) becomes the one that differs least from what was found where that was seen, and is least elsewhere.
 *
 * @param lighting - `[9, 3]`
 * @param seen - `[9, 9]` of `transferMoment`, over what the photo shows.
 * @param unseen - the same over the skin that it does not.
 * @param lightOrder - coefficients beyond stay as they are.
 * @returns `[9, 3]`, each coefficient's mean over the channels as it was.
 */
export function calmUnseenLight(
  lighting: Float64Array,
  seen: Float64Array,
  unseen: Float64Array,
  lightOrder: LightOrder = 2,
): Float64Array {
  const frozen = beyondOrder(lightOrder).filter((_, i) => i % 3 === 0);
  const calm = lighting.slice();
  for (let c = 0; c < 3; c++) {
    const equations = createNormalEquations(9);
    const mean = (k: number) => (lighting[3 * k] + lighting[3 * k + 1] + lighting[3 * k + 2]) / 3;
    addGaussianPrior(equations, seen, new Float64Array(9));
    const colour = Float64Array.from({ length: 9 }, (_, k) => lighting[3 * k + c] - mean(k));
    addGaussianPrior(equations, unseen, colour, UNSEEN_WEIGHT);
    const step = solveStep(equations, 1e-6, frozen);
    if (step) for (let k = 0; k < 9; k++) calm[3 * k + c] += step[k];
  }
  return calm;
}

/**
 * What each coefficient of the shading does at places on the surface, `[N, 9]`: the harmonics of the normal, less what the head hides of them.
 *
 * @param normals - `[N, 3]`, unit length.
 * @param occlusion - `[N, 9]` of `computeOcclusion`; in the open when absent.
 */
export function harmonicTransfer(normals: Float32Array, occlusion?: Float32Array): Float32Array {
  const out = new Float32Array(3 * normals.length);
  const y = new Float64Array(9);
  for (let n = 0, i = 0; n < out.length; n += 9, i += 3) {
    sphericalHarmonics(normals[i], normals[i + 1], normals[i + 2], y);
    for (let k = 0; k < 9; k++) out[n + k] = y[k] - (occlusion ? occlusion[n + k] : 0);
  }
  return out;
}

/**
 * What a coefficient of the shading sends from skin toward the eye without having entered it, `[N, 9]`: the harmonics of the mirrored direction, blurred as skin does, times what it reflects.
 *
 * @param normals - `[N, 3]`, unit length.
 * @param toEye - `[N, 3]`, unit length.
 */
export function mirroredHarmonics(normals: Float32Array, toEye: Float32Array): Float32Array {
  const count = normals.length / 3;
  const out = new Float32Array(9 * count);
  const y = new Float64Array(9);
  for (let n = 0; n < count; n++) {
    const [nx, ny, nz] = [normals[3 * n], normals[3 * n + 1], normals[3 * n + 2]];
    const [ex, ey, ez] = [toEye[3 * n], toEye[3 * n + 1], toEye[3 * n + 2]];
    const facing = nx * ex + ny * ey + nz * ez;
    sphericalHarmonics(2 * facing * nx - ex, 2 * facing * ny - ey, 2 * facing * nz - ez, y);
    const share = MIRRORED.straight + MIRRORED.grazing * Math.max(0, 1 - facing) ** MIRRORED.power;
    for (let k = 0; k < 9; k++) out[9 * n + k] = share * MIRRORED_BY_ORDER[k === 0 ? 0 : k < 4 ? 1 : 2] * y[k];
  }
  return out;
}

/** ln(albedo * shading + highlight + LIGHT_FLOOR) of every sample `[N, 3]`, and its parts. */
export function predictLight(
  { density: { mean, basis, codeSize }, transfer, mirrored }: Pick<AppearanceData, 'density' | 'transfer' | 'mirrored'>,
  { texture, lighting }: Appearance,
) {
  const count = transfer.length / 9;
  const albedo = new Float32Array(3 * count);
  const shading = new Float32Array(3 * count);
  const highlight = new Float32Array(3 * count);
  const predicted = new Float32Array(3 * count);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < 3; c++) {
      const i = 3 * n + c;
      let density = mean[i];
      for (let k = 0; k < codeSize; k++) density += basis[i * codeSize + k] * texture[k];
      let light = 0;
      let sheen = 0;
      for (let k = 0; k < 9; k++) {
        light += lighting[3 * k + c] * transfer[9 * n + k];
        if (mirrored) sheen += lighting[3 * k + c] * mirrored[9 * n + k];
      }
      albedo[i] = Math.min(1, Math.exp(-density));
      shading[i] = Math.max(LEAST_SHADING, light);
      highlight[i] = Math.max(0, sheen);
      predicted[i] = Math.log(albedo[i] * shading[i] + highlight[i] + LIGHT_FLOOR);
    }
  }
  return { albedo, shading, highlight, predicted };
}

/**
 * The derivative of `predictLight`'s logarithm by the normals, by way of the matte shading alone, `[N, 3, 3]`: sample, channel, axis. What is hidden of the light stays.
 *
 * @param normals - `[N, 3]`, unit length.
 */
export function lightByNormal(
  normals: Float32Array,
  { albedo, shading, highlight }: Omit<ReturnType<typeof predictLight>, 'predicted'>,
  lighting: Float64Array,
): Float32Array {
  const out = new Float32Array(3 * normals.length);
  const slopes = new Float64Array(27);
  for (let i = 0; i < normals.length; i += 3) {
    sphericalHarmonicsGradient(normals[i], normals[i + 1], normals[i + 2], slopes);
    for (let c = 0; c < 3; c++) {
      const at = i + c;
      if (shading[at] <= LEAST_SHADING) continue;
      const share = albedo[at] / (albedo[at] * shading[at] + highlight[at] + LIGHT_FLOOR);
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (let k = 0; k < 9; k++) sum += lighting[3 * k + c] * slopes[3 * k + axis];
        out[3 * at + axis] = share * sum;
      }
    }
  }
  return out;
}

/** What one photo shows of a face, and what a trusted sample's colour counts against the priors. */
export interface AppearanceEvidence {
  data: AppearanceData;
  weight: number;
}

/**
 * One Gauss-Newton step on texture code and light together, with their priors: N(0, 1) for the code, the usual light's shape for the light, its strength by how faces are exposed, and
 * one-sided, light enough for what the photo shows.
 *
 * @param photos - all of one person.
 * @param appearances - one per photo, with one texture code; so are those that are returned.
 * @param lightOrder - coefficients beyond stay as they are.
 */
export function stepAppearance(
  photos: readonly AppearanceEvidence[],
  appearances: readonly Appearance[],
  lightOrder: LightOrder = 2,
): Appearance[] {
  const blocks = photos.map((photo, i) => gatherAppearance(photo, appearances[i]));
  const size = appearances[0].texture.length;
  appearances[0].texture.forEach((code, k) => addPrior(blocks[0], k, code, 1));
  const beyond = [...beyondOrder(lightOrder)];
  const frozen = Uint8Array.from([...new Array(size).fill(0), ...photos.flatMap(() => beyond)]);
  const joined = solveStep(joinEquations(blocks, size), 1e-3, frozen);
  if (!joined) return [...appearances];
  const step = splitJoined(
    joined,
    blocks.map((block) => block.size),
    size,
  );
  const texture = appearances[0].texture.map((v, k) => Math.min(4, Math.max(-4, v + joined[k])));
  return appearances.map(({ lighting }, i) => ({ texture, lighting: lighting.map((v, k) => v + step[i][size + k]) }));
}

/** One photo's equations over the texture code and its light, without the code's own prior. */
function gatherAppearance({ data, weight }: AppearanceEvidence, appearance: Appearance): NormalEquations {
  const { density, transfer, mirrored, logLight, trust } = data;
  const { basis, codeSize } = density;
  const equations = createNormalEquations(codeSize + 27);
  const prediction = predictLight(data, appearance);
  const { albedo, shading, highlight, predicted } = prediction;
  const parameters = new Int32Array(codeSize + 9);
  const values = new Float64Array(codeSize + 9);
  for (let n = 0; n < trust.length; n++) {
    if (trust[n] <= 0) continue;
    for (let c = 0; c < 3; c++) {
      const i = 3 * n + c;
      const matte = albedo[i] * shading[i];
      const total = matte + highlight[i] + LIGHT_FLOOR;
      // Most codes change the skin somewhere else.
      let active = 0;
      for (let k = 0; k < codeSize; k++) {
        const slope = basis[i * codeSize + k];
        if (Math.abs(slope) < NO_SLOPE) continue;
        parameters[active] = k;
        values[active++] = (-matte / total) * slope;
      }
      const codes = active;
      for (let k = 0; k < 9; k++) {
        parameters[active] = codeSize + 3 * k + c;
        const sheen = mirrored && highlight[i] > 0 ? mirrored[9 * n + k] : 0;
        values[active++] = (albedo[i] * transfer[9 * n + k] + sheen) / total;
      }
      addSparseResidual(equations, parameters, values, active, predicted[i] - logLight[i], weight * trust[n]);
      const tooDark = Math.log(shading[i] * WHITEST_SKIN) - logLight[i];
      if (tooDark >= 0) continue;
      for (let k = 0; k < 9; k++) values[codes + k] = transfer[9 * n + k] / shading[i];
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
  addLightPrior(equations, codeSize, appearance.lighting);
  addExposurePrior(equations, data, prediction, appearance.lighting);
  return equations;
}

/** Each coefficient's mean over the channels stays near the usual light, each channel near that mean. */
function addLightPrior(equations: NormalEquations, from: number, lighting: Float64Array): void {
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

/** The mean shading of what is seen is what exposure and white balance make it. The albedo that it goes with is the whole face's. */
function addExposurePrior(
  equations: NormalEquations,
  { density: { basis, codeSize }, transfer, trust }: AppearanceData,
  { albedo }: Pick<ReturnType<typeof predictLight>, 'albedo'>,
  lighting: Float64Array,
): void {
  const seen = new Float64Array(9);
  let total = 0;
  for (let n = 0; n < trust.length; n++) {
    if (trust[n] <= 0) continue;
    total += trust[n];
    for (let k = 0; k < 9; k++) seen[k] += trust[n] * transfer[9 * n + k];
  }
  if (total === 0) return;
  const rows = [0, 1, 2].map((c) => {
    let shading = 0;
    for (let k = 0; k < 9; k++) shading += (seen[k] / total) * lighting[3 * k + c];
    const row = new Float64Array(equations.size);
    for (let k = 0; k < 9; k++) row[codeSize + 3 * k + c] = seen[k] / total / Math.max(LEAST_SHADING, shading);
    return { row, value: Math.log(Math.max(LEAST_SHADING, shading)) };
  });
  const weight = EXPOSURE_SIGMA ** -2;
  for (const [a, b] of [
    [0, 1],
    [1, 2],
  ]) {
    const difference = rows[a].row.map((x, i) => x - rows[b].row[i]);
    addResidual(equations, difference, rows[a].value - rows[b].value, weight);
  }
  const row = new Float64Array(equations.size);
  for (const channel of rows) for (let i = codeSize; i < row.length; i++) row[i] += channel.row[i] / 3;
  for (let i = 0; i < albedo.length; i++) {
    for (let k = 0; k < codeSize; k++) row[k] -= (EXPOSURE.lift * basis[i * codeSize + k]) / albedo.length;
  }
  const tone = albedo.reduce((sum, a) => sum + Math.log(a / EXPOSURE.albedo), 0) / albedo.length;
  const value = rows.reduce((sum, channel) => sum + channel.value / 3, 0);
  addResidual(equations, row, value + EXPOSURE.lift * tone - Math.log(EXPOSURE.shading), weight);
}

/**
 * The light under which matte skin of a known albedo looks most like the photo, as it is displayed: what highlights add is light here, too, as far as harmonics follow it.
 *
 * @param lightOrder - coefficients beyond stay as they are.
 * @returns `[9, 3]`
 */
export function matteLight(
  data: AppearanceData,
  { texture, lighting }: Appearance,
  lightOrder: LightOrder = 2,
): Float64Array {
  const frozen = beyondOrder(lightOrder).filter((_, i) => i % 3 === 0);
  const { transfer, logLight, trust } = data;
  const total = trust.reduce((sum, t) => sum + t, 0);
  let found = lighting;
  const row = new Float64Array(9);
  for (let iteration = 0; iteration < 4; iteration++) {
    const { albedo, shading } = predictLight({ ...data, mirrored: undefined }, { texture, lighting: found });
    const next = found.slice();
    for (let c = 0; c < 3; c++) {
      const equations = createNormalEquations(9);
      for (let n = 0; n < trust.length; n++) {
        if (trust[n] <= 0) continue;
        const i = 3 * n + c;
        const shown = (albedo[i] * shading[i] + LIGHT_FLOOR) ** DISPLAY_GAMMA;
        for (let k = 0; k < 9; k++)
          row[k] = (DISPLAY_GAMMA * shown * albedo[i] * transfer[9 * n + k]) / (albedo[i] * shading[i] + LIGHT_FLOOR);
        addResidual(equations, row, shown - Math.exp(logLight[i] * DISPLAY_GAMMA), trust[n]);
      }
      for (let k = 0; k < 9; k++) {
        const prior = total * (k === 0 ? MATTE_PRIOR.strength : MATTE_PRIOR.shape);
        addPrior(equations, k, found[3 * k + c] - lighting[3 * k + c], prior);
      }
      const step = solveStep(equations, 1e-4, frozen);
      if (step) for (let k = 0; k < 9; k++) next[3 * k + c] += step[k];
    }
    found = next;
  }
  return found;
}
