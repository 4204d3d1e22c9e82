import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';
import type { Gloss } from './types.js';

/** Three numbers: x, y, z or r, g, b. */
export type Vec3 = readonly [number, number, number];

/** Constants of the nine real spherical harmonics 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2. */
export const SH = [0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274] as const;

/** Even white light: shading 1 everywhere. */
export const EVEN_LIGHT: Float32Array = /* @__PURE__ */ new Float32Array(27).fill(1 / SH[0], 0, 3);

/** Luminance of linear RGB, ITU-R BT.709. */
const LUMINANCE: Vec3 = [0.2126, 0.7152, 0.0722];

/**
 * Shading under second-order spherical harmonics. Twin of `computeShading` in shaders/chunks/shading.glsl.
 *
 * @param lighting - `[9, 3]`, linear RGB, see docs/conventions.md, "Colour and light".
 * @param normal - unit length, world space.
 * @returns linear RGB; may be below zero on the far side of a strong light.
 * @throws FaceError `SHAPE` when `lighting` is not 27 numbers.
 * @example computeShading(WHITE, [0, 0, 1]); // [1, 1, 1]
 */
export function computeShading(lighting: ArrayLike<number>, [x, y, z]: Vec3): [number, number, number] {
  checkLighting('computeShading', lighting);
  const basis = [1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y];
  const shading = (channel: number) => basis.reduce((sum, b, k) => sum + SH[k] * b * lighting[3 * k + channel], 0);
  return [shading(0), shading(1), shading(2)];
}

/**
 * Turns the light about the vertical axis: what came from the front (+Z) comes from the subject's left (+X) after a quarter turn.
 *
 * @param lighting - `[9, 3]`.
 * @param angleRad - counter-clockwise seen from above.
 * @param out - destination `[9, 3]`, may be `lighting` itself. Allocated when absent.
 * @returns `out`.
 * @throws FaceError `SHAPE` when `lighting` is not 27 numbers.
 */
export function rotateLighting(
  lighting: ArrayLike<number>,
  angleRad: number,
  out = new Float32Array(27),
): Float32Array {
  checkLighting('rotateLighting', lighting);
  const c = Math.cos(angleRad);
  const s = Math.sin(angleRad);
  for (let channel = 0; channel < 3; channel++) {
    const [l0, l1, l2, l3, l4, l5, l6, l7, l8] = Array.from(SH, (scale, k) => scale * lighting[3 * k + channel]);
    // Order 1 is the vector (l3, l1, l2). Order 2 is a symmetric form n' Q n with trace zero, and turns as R Q R'.
    const xx = l8 - l6;
    const zz = 2 * l6;
    const yy = -l8 - l6;
    const [xy, yz, xz] = [l4 / 2, l5 / 2, l7 / 2];
    const turnedXx = c * c * xx + 2 * c * s * xz + s * s * zz;
    const turned = [
      l0,
      l1,
      c * l2 - s * l3,
      c * l3 + s * l2,
      2 * (c * xy + s * yz),
      2 * (c * yz - s * xy),
      (c * c * zz - 2 * c * s * xz + s * s * xx) / 2,
      2 * ((c * c - s * s) * xz + c * s * (zz - xx)),
      (turnedXx - yy) / 2,
    ];
    turned.forEach((value, k) => {
      out[3 * k + channel] = value / SH[k];
    });
  }
  return out;
}

/**
 * The directional light whose first-order harmonics these are: what makes highlights.
 *
 * @param lighting - `[9, 3]`.
 * @returns `toLight`, unit length, and `colour`, its irradiance in linear RGB; straight up and black when no side is brighter.
 */
export function computeDominantLight(lighting: ArrayLike<number>): { toLight: Vec3; colour: Vec3 } {
  checkLighting('computeDominantLight', lighting);
  const axis = (channel: number): Vec3 => [lighting[9 + channel], lighting[3 + channel], lighting[6 + channel]];
  const axes = [axis(0), axis(1), axis(2)];
  const mean = [0, 1, 2].map((i) => axes.reduce((sum, a, channel) => sum + LUMINANCE[channel] * a[i], 0));
  const length = Math.hypot(...mean);
  if (length < 1e-6) return { toLight: [0, 1, 0], colour: [0, 0, 0] };
  const [x, y, z] = mean.map((value) => value / length);
  // A light of irradiance E from d shades E max(0, n . d), whose first-order coefficient is E d times this.
  const projection = (SH[1] * 2 * Math.PI) / 3;
  const [r, g, b] = axes.map((a) => Math.max(a[0] * x + a[1] * y + a[2] * z, 0) / projection);
  return { toLight: [x, y, z], colour: [r, g, b] };
}

/**
 * Light that a wet surface mirrors toward the eye. Twin of `computeHighlight` in shaders/chunks/shading.glsl, where the model is described.
 *
 * @param toLight - unit length, as `normal` and `toEye`; all point away from the surface.
 * @returns linear RGB.
 */
export function computeHighlight(
  toLight: Vec3,
  lightColour: Vec3,
  gloss: Gloss,
  normal: Vec3,
  toEye: Vec3,
): [number, number, number] {
  const sum: Vec3 = [toLight[0] + toEye[0], toLight[1] + toEye[1], toLight[2] + toEye[2]];
  const length = Math.max(Math.hypot(...sum), 1e-6);
  const halfway: Vec3 = [sum[0] / length, sum[1] / length, sum[2] / length];
  const fresnel = 0.04 + 0.96 * (1 - Math.min(Math.max(dot(toEye, halfway), 0), 1)) ** 5;
  const lobe = ((gloss.exponent + 8) / 8) * Math.max(dot(normal, halfway), 0) ** gloss.exponent;
  const share = gloss.strength * fresnel * lobe * Math.max(dot(normal, toLight), 0);
  return [lightColour[0] * share, lightColour[1] * share, lightColour[2] * share];
}

/** @throws FaceError `SHAPE` unless `lighting` is 27 finite numbers. */
export function checkLighting(who: string, lighting: ArrayLike<number>): void {
  if (lighting.length === 27 && Array.prototype.every.call(lighting, Number.isFinite)) return;
  throw new FaceError<RendererErrorCode>(
    'SHAPE',
    `${who}: lighting should be [9, 3], 27 finite numbers; received ${lighting.length}. Pass the avatar's lighting.`,
  );
}

function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
