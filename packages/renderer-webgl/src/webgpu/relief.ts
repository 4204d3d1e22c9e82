/// <reference path="../wgsl.d.ts" />
import type { NormalMapOptions } from '../normal-map.js';
import normalMapChunk from '../shaders/chunks/normal-map.wgsl';

/** The skin's normal with relief or without, `skinNormal` of the shaders: who has none does not pay for it. The map is the images' fifth binding. */
export function reliefChunks({ normalMap, normalScale = 1 }: NormalMapOptions): string[] {
  const skinNormal = (value: string) =>
    `fn skinNormal(uv: vec2f, dx: vec2f, dy: vec2f, dpx: vec3f, dpy: vec3f, n: vec3f) -> vec3f { return ${value}; }`;
  if (!normalMap) return [skinNormal('n')];
  return [
    normalMapChunk,
    '@group(2) @binding(4) var normalMap: texture_2d<f32>;',
    skinNormal(`addRelief(f32(${normalScale}), uv, dx, dy, dpx, dpy, n)`),
  ];
}
