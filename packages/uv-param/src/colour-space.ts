import { FaceError } from './errors.js';

/** sRGB's transfer function (IEC 61966-2-1): a linear value to an encoded one, both 0 to 1. */
export function srgbFromLinear(linear: number): number {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
}

/** The inverse of `srgbFromLinear`. */
export function linearFromSrgb(encoded: number): number {
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
}

/** Fine enough that the table is never further from the formula than one 8-bit step, and that only at the darkest values. */
const STEPS = 16384;
const BYTE_FROM_LINEAR = /* @__PURE__ */ Uint8Array.from({ length: STEPS + 1 }, (_, i) =>
  Math.round(255 * srgbFromLinear(i / STEPS)),
);

/** The 8-bit sRGB value of a linear one, by a table; what is outside 0 to 1 is clamped. */
export function srgbByteFromLinear(linear: number): number {
  // Written so that NaN is black.
  return BYTE_FROM_LINEAR[linear > 0 ? (linear < 1 ? (linear * STEPS + 0.5) | 0 : STEPS) : 0];
}

/** `[256]` linear value, 0 to 1, of each 8-bit sRGB value. */
export const LINEAR_FROM_SRGB_BYTE: Float32Array = /* @__PURE__ */ Float32Array.from({ length: 256 }, (_, byte) =>
  linearFromSrgb(byte / 255),
);

/**
 * Linear colours as an opaque 8-bit picture; what is outside 0 to 1 is clamped.
 *
 * @param linear - `[N, 3]`, linear RGB.
 * @param out - destination `[N, 4]`. Allocated when absent.
 * @returns `out`, sRGB RGBA.
 * @throws FaceError `SHAPE` for arrays of the wrong length.
 */
export function encodeSrgb(linear: Float32Array, out?: Uint8ClampedArray): Uint8ClampedArray {
  if (linear.length % 3 !== 0) {
    throw new FaceError('SHAPE', `encodeSrgb: linear should be [N, 3]; received ${linear.length} numbers.`);
  }
  const count = linear.length / 3;
  const rgba = out ?? new Uint8ClampedArray(4 * count);
  if (rgba.length !== 4 * count) {
    throw new FaceError('SHAPE', `encodeSrgb: out should have ${4 * count} bytes; received ${rgba.length}.`);
  }
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = srgbByteFromLinear(linear[3 * i + c]);
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}

/**
 * An 8-bit picture as linear colours; alpha is dropped.
 *
 * @param rgba - `[N, 4]`, sRGB.
 * @param out - destination `[N, 3]`. Allocated when absent.
 * @returns `out`, linear RGB, 0 to 1.
 * @throws FaceError `SHAPE` for arrays of the wrong length.
 */
export function decodeSrgb(rgba: Uint8ClampedArray | Uint8Array, out?: Float32Array): Float32Array {
  if (rgba.length % 4 !== 0) {
    throw new FaceError('SHAPE', `decodeSrgb: rgba should be [N, 4]; received ${rgba.length} bytes.`);
  }
  const count = rgba.length / 4;
  const linear = out ?? new Float32Array(3 * count);
  if (linear.length !== 3 * count) {
    throw new FaceError('SHAPE', `decodeSrgb: out should have ${3 * count} numbers; received ${linear.length}.`);
  }
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) linear[3 * i + c] = LINEAR_FROM_SRGB_BYTE[rgba[4 * i + c]];
  return linear;
}
