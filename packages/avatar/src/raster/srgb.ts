import { linearFromSrgb, srgbFromLinear } from '@implicit-faces/uv-param';

/** `[256]` linear value, 0 to 1, of each 8-bit sRGB value. */
export const LINEAR_FROM_SRGB_BYTE: Float32Array = /* @__PURE__ */ Float32Array.from({ length: 256 }, (_, i) =>
  linearFromSrgb(i / 255),
);

/** Fine enough that the table is never further from the formula than one 8-bit step, and that only at the darkest values. */
const STEPS = 16384;
const SRGB_BYTES: Uint8Array = /* @__PURE__ */ Uint8Array.from({ length: STEPS + 1 }, (_, i) =>
  Math.round(255 * srgbFromLinear(i / STEPS)),
);

/** The 8-bit sRGB value of a linear one, by a table; what is outside 0 to 1 is clamped. */
export function srgbByteFromLinear(linear: number): number {
  return SRGB_BYTES[Math.round(Math.min(Math.max(linear, 0), 1) * STEPS)];
}
