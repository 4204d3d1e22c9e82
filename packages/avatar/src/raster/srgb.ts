/** `[256]` linear value, 0 to 1, of each 8-bit sRGB value. */
export const LINEAR_FROM_SRGB: Float32Array = /* @__PURE__ */ Float32Array.from({ length: 256 }, (_, i) => {
  const s = i / 255;
  return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
});

/** Fine enough that the table never differs from the formula by more than one 8-bit step, and that only at the darkest values. */
const STEPS = 16384;
const SRGB_TABLE: Uint8Array = /* @__PURE__ */ Uint8Array.from({ length: STEPS + 1 }, (_, i) => {
  const l = i / STEPS;
  return Math.round(255 * (l <= 0.0031308 ? 12.92 * l : 1.055 * l ** (1 / 2.4) - 0.055));
});

/** The 8-bit sRGB value of a linear one; what is outside 0 to 1 is clamped. */
export function srgbFromLinear(linear: number): number {
  return SRGB_TABLE[linear <= 0 ? 0 : linear >= 1 ? STEPS : Math.round(linear * STEPS)];
}
