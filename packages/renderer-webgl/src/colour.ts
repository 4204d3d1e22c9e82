import type { Vec3 } from './lighting.js';
import type { Program } from './program.js';
import type { RenderOptions } from './types.js';

/** Linear light to sRGB's curve, each 0 to 1; values outside are clamped. Twin of `encodeSrgb` in shaders/chunks/output.glsl. */
export function encodeSrgb(linear: number): number {
  const c = Math.min(Math.max(linear, 0), 1);
  return c < 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
}

/** Khronos PBR Neutral (https://github.com/KhronosGroup/ToneMapping). Twin of `toneMapNeutral` in shaders/chunks/output.glsl. */
export function toneMapNeutral(linear: Vec3): [number, number, number] {
  const start = 0.8 - 0.04;
  const desaturation = 0.15;
  const low = Math.min(...linear);
  const offset = low < 0.08 ? low - 6.25 * low * low : 0.04;
  const c = linear.map((x) => x - offset);
  const peak = Math.max(...c);
  if (peak < start) return [c[0], c[1], c[2]];
  const d = 1 - start;
  const rolled = 1 - (d * d) / (peak + d - start);
  const grey = 1 - 1 / (desaturation * (peak - rolled) + 1);
  const map = (x: number) => (1 - grey) * ((x * rolled) / peak) + grey * rolled;
  return [map(c[0]), map(c[1]), map(c[2])];
}

/** Sets the uniforms of shaders/chunks/output.glsl. */
export function setOutput(
  gl: WebGL2RenderingContext,
  uniforms: Program['uniforms'],
  { outputColourSpace, toneMapping, exposure }: RenderOptions,
): void {
  gl.uniform1f(uniforms.exposure, exposure ?? 1);
  gl.uniform1i(uniforms.toneMapped, toneMapping === 'neutral' ? 1 : 0);
  gl.uniform1i(uniforms.encodeOutput, outputColourSpace === 'srgb-linear' ? 0 : 1);
}
