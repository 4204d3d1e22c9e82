/** Linear light to sRGB's curve, each 0 to 1; values outside are clamped. Twin of `encodeSrgb` in shaders/chunks/shading.glsl. */
export function encodeSrgb(linear: number): number {
  const c = Math.min(Math.max(linear, 0), 1);
  return c < 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
}
