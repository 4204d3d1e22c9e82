import { srgbByteFromLinear } from '@implicit-faces/uv-param';
import { SHADE_SIZE } from './broad-grey.js';

/** Logarithms of photo over albedo on a chart, `[size, size, 3]`, and how well each was seen, `[size, size]`, 0 to 1. */
export interface Ratios {
  ratio: Float32Array;
  weight: Float32Array;
  size: number;
  /** The chart's left half mirrors its right. */
  symmetric?: boolean;
}

/** What a mirrored texel counts beside a seen one. */
const MIRROR_WEIGHT = 0.25;
/** What the model itself counts: it decides where neither side of the face was seen. */
const MODEL_WEIGHT = 0.002;
/** How far a filled texel may be from the model's hue, in logarithms: grey hair over the model's brown would carry its blue onto the skin beside it. */
const UNSEEN_HUE = 0.1;
/** Bounds of the logarithm of photo over model. */
export const RATIO_LIMITS = [-2.5, 2.5] as const;

// Functions for single rows: engines compile what is called a thousand times sooner than loops over a texture that are entered once.

/** The ratios with their mirror images' and, where neither is seen, none: what the model says. */
export function joinMirrored(ratios: Ratios): { joined: Float32Array; share: Float32Array } {
  const joined = new Float32Array(ratios.ratio.length);
  const share = new Float32Array(ratios.weight.length);
  for (let y = 0; y < ratios.size; y++) joinRow(ratios, y, joined, share);
  return { joined, share };
}

function joinRow({ ratio, weight, size, symmetric }: Ratios, y: number, joined: Float32Array, share: Float32Array) {
  for (let x = 0, i = y * size, m = i + size - 1; x < size; x++, i++, m--) {
    const own = weight[i];
    const mirrored = symmetric ? MIRROR_WEIGHT * weight[m] * (1 - own) : 0;
    const total = own + mirrored + MODEL_WEIGHT;
    share[i] = Math.min(1, total);
    if (own === 0 && mirrored === 0) continue;
    joined[3 * i] = (own * ratio[3 * i] + mirrored * ratio[3 * m]) / total;
    joined[3 * i + 1] = (own * ratio[3 * i + 1] + mirrored * ratio[3 * m + 1]) / total;
    joined[3 * i + 2] = (own * ratio[3 * i + 2] + mirrored * ratio[3 * m + 2]) / total;
  }
}

/**
 * The albedo times what the ratios say, once their gaps are filled.
 *
 * @param ratios - what was seen decides how far from the albedo's hue a texel may be.
 * @param filled - `[size, size, 3]` logarithms.
 * @param albedo - `[size, size, 3]` linear.
 * @param light - `[SHADE_SIZE, SHADE_SIZE]` what of the logarithms is light and is left out; none when absent.
 * @returns `[size, size, 4]` sRGB.
 */
export function applyRatios(
  ratios: Ratios,
  filled: Float32Array,
  albedo: Float32Array,
  light?: Float32Array,
): Uint8ClampedArray {
  const data = new Uint8ClampedArray(4 * ratios.weight.length);
  const lightOfRow = new Float32Array(ratios.size);
  for (let y = 0; y < ratios.size; y++) {
    if (light) enlargeRow(light, y, lightOfRow);
    applyRow(ratios, y, filled, albedo, lightOfRow, data);
  }
  return data;
}

/** Row y of a map `[SHADE_SIZE, SHADE_SIZE]` enlarged to the side `out.length`, bilinear, clamped at the border. */
function enlargeRow(map: Float32Array, y: number, out: Float32Array): void {
  const last = SHADE_SIZE - 1;
  const scale = SHADE_SIZE / out.length;
  const v = Math.min(last, Math.max(0, (y + 0.5) * scale - 0.5));
  const above = Math.floor(v);
  const sy = v - above;
  const top = above * SHADE_SIZE;
  const bottom = Math.min(last, above + 1) * SHADE_SIZE;
  for (let x = 0; x < out.length; x++) {
    const u = Math.min(last, Math.max(0, (x + 0.5) * scale - 0.5));
    const left = Math.floor(u);
    const right = Math.min(last, left + 1);
    const upper = map[top + left] + (u - left) * (map[top + right] - map[top + left]);
    const lower = map[bottom + left] + (u - left) * (map[bottom + right] - map[bottom + left]);
    out[x] = upper + sy * (lower - upper);
  }
}

function applyRow(
  { weight, size, symmetric }: Ratios,
  y: number,
  filled: Float32Array,
  albedo: Float32Array,
  light: Float32Array,
  data: Uint8ClampedArray,
): void {
  for (let x = 0, i = y * size, m = i + size - 1; x < size; x++, i++, m--) {
    const at = 3 * i;
    const mean = (filled[at] + filled[at + 1] + filled[at + 2]) / 3;
    const known = Math.min(1, weight[i] + (symmetric ? weight[m] : 0));
    const hue = UNSEEN_HUE + RATIO_LIMITS[1] * known * known;
    const grey = mean - light[x];
    const red = albedo[at] * expNear(grey + Math.min(hue, Math.max(-hue, filled[at] - mean)));
    const green = albedo[at + 1] * expNear(grey + Math.min(hue, Math.max(-hue, filled[at + 1] - mean)));
    const blue = albedo[at + 2] * expNear(grey + Math.min(hue, Math.max(-hue, filled[at + 2] - mean)));
    // What would be brighter than white keeps its hue, which cutting each channel for itself would change.
    const excess = Math.max(1, red, green, blue);
    data[4 * i] = srgbByteFromLinear(red / excess);
    data[4 * i + 1] = srgbByteFromLinear(green / excess);
    data[4 * i + 2] = srgbByteFromLinear(blue / excess);
    data[4 * i + 3] = 255;
  }
}

/** The table of `expNear` reaches so far to both sides, in so many steps to one. */
const EXP_REACH = 4 * RATIO_LIMITS[1];
const EXP_STEPS = 512;
const EXP = /* @__PURE__ */ Float64Array.from({ length: 2 * EXP_REACH * EXP_STEPS + 2 }, (_, i) =>
  Math.exp(i / EXP_STEPS - EXP_REACH),
);

/** exp by a table of straight pieces: right to 5e-7 of itself, where a colour's byte is a step of 4e-3, in a fifth of the time. A texture has three million. */
export function expNear(x: number): number {
  const place = (x + EXP_REACH) * EXP_STEPS;
  // Written so that NaN goes there, too.
  if (!(place >= 0 && place < EXP.length - 1)) return Math.exp(x);
  const i = place | 0;
  return EXP[i] + (place - i) * (EXP[i + 1] - EXP[i]);
}
