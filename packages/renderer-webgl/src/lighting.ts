import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';

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
export function computeShading(lighting: ArrayLike<number>, normal: Vec3): [number, number, number] {
  checkLighting('computeShading', lighting);
  return evaluateHarmonics(lighting, normal);
}

/** Second-order harmonics in a direction. Twin of `evaluateHarmonics` in shaders/chunks/shading.glsl. @param bands - scale orders 1 and 2. */
export function evaluateHarmonics(
  coefficients: ArrayLike<number>,
  [x, y, z]: Vec3,
  [one, two]: readonly [number, number] = [1, 1],
): [number, number, number] {
  const basis = [1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y];
  const value = (channel: number) =>
    basis.reduce((sum, b, k) => sum + (k > 3 ? two : k > 0 ? one : 1) * SH[k] * b * coefficients[3 * k + channel], 0);
  return [value(0), value(1), value(2)];
}

/**
 * Turns the light: an environment's rotation.
 *
 * @param lighting - `[9, 3]`.
 * @param rotation - an angle about the vertical axis in radians, counter-clockwise seen from above (after a quarter turn what came from the front, +Z, comes from the subject's
 *   left, +X), or a rotation matrix `[3, 3]`, column-major.
 * @param out - destination `[9, 3]`, may be `lighting` itself. Allocated when absent.
 * @returns `out`.
 * @throws FaceError `SHAPE` when `lighting` is not 27 numbers or the matrix not 9.
 */
export function rotateLighting(
  lighting: ArrayLike<number>,
  rotation: number | ArrayLike<number>,
  out = new Float32Array(27),
): Float32Array {
  checkLighting('rotateLighting', lighting);
  const r = typeof rotation === 'number' ? rotationY(rotation) : rotation;
  if (r.length !== 9) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `rotateLighting: rotation should be an angle or [3, 3]; received ${r.length} numbers.`,
    );
  }
  const axes = [0, 1, 2];
  for (let channel = 0; channel < 3; channel++) {
    const [l0, l1, l2, l3, l4, l5, l6, l7, l8] = Array.from(SH, (scale, k) => scale * lighting[3 * k + channel]);
    // Order 1 is the vector (l3, l1, l2). Order 2 is a symmetric form n' Q n with trace zero, and turns as R Q R'.
    const vector = [l3, l1, l2];
    const form = [
      [l8 - l6, l4 / 2, l7 / 2],
      [l4 / 2, -l8 - l6, l5 / 2],
      [l7 / 2, l5 / 2, 2 * l6],
    ];
    const [x, y, z] = axes.map((i) => axes.reduce((sum, k) => sum + r[3 * k + i] * vector[k], 0));
    const q = (i: number, j: number) =>
      axes.reduce((sum, k) => sum + r[3 * k + i] * axes.reduce((s, l) => s + form[k][l] * r[3 * l + j], 0), 0);
    const turned = [l0, y, z, x, 2 * q(0, 1), 2 * q(1, 2), q(2, 2) / 2, 2 * q(0, 2), (q(0, 0) - q(1, 1)) / 2];
    turned.forEach((value, k) => {
      out[3 * k + channel] = value / SH[k];
    });
  }
  return out;
}

function rotationY(angleRad: number): number[] {
  const [c, s] = [Math.cos(angleRad), Math.sin(angleRad)];
  return [c, 0, -s, 0, 1, 0, s, 0, c];
}

/**
 * The directional light whose first-order harmonics these are: what makes highlights.
 *
 * @param lighting - `[9, 3]`.
 * @returns `toLight`, unit length, and `colour`, linear RGB that a white matte surface which faces it shades to; straight up and black when no side is brighter.
 */
export function computeDominantLight(lighting: ArrayLike<number>): { toLight: Vec3; colour: Vec3 } {
  checkLighting('computeDominantLight', lighting);
  const axis = (channel: number): Vec3 => [lighting[9 + channel], lighting[3 + channel], lighting[6 + channel]];
  const axes = [axis(0), axis(1), axis(2)];
  const mean = [0, 1, 2].map((i) => axes.reduce((sum, a, channel) => sum + LUMINANCE[channel] * a[i], 0));
  const length = Math.hypot(...mean);
  if (length < 1e-6) return { toLight: [0, 1, 0], colour: [0, 0, 0] };
  const [x, y, z] = mean.map((value) => value / length);
  // A light of colour E from d shades E max(0, n . d), whose first-order coefficient is E d times this.
  const projection = (SH[1] * 2 * Math.PI) / 3;
  const [r, g, b] = axes.map((a) => Math.max(a[0] * x + a[1] * y + a[2] * z, 0) / projection);
  return { toLight: [x, y, z], colour: [r, g, b] };
}

/** @throws FaceError `SHAPE` unless `lighting` is 27 finite numbers. */
export function checkLighting(who: string, lighting: ArrayLike<number>): void {
  if (lighting.length === 27 && Array.prototype.every.call(lighting, Number.isFinite)) return;
  throw new FaceError<RendererErrorCode>(
    'SHAPE',
    `${who}: lighting should be [9, 3], 27 finite numbers; received ${lighting.length}. Pass the avatar's lighting.`,
  );
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** The zero vector stays as it is. */
export function cross(a: Vec3, b: Vec3): [number, number, number] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function normalise(v: Vec3): Vec3 {
  const length = Math.hypot(...v) || 1;
  return [v[0] / length, v[1] / length, v[2] / length];
}
