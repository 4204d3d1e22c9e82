/** A texture: 8-bit sRGB with alpha, row 0 at v = 0. */
export interface PartImage {
  /** `[H, W, 4]`. */
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

/** One part of an avatar (skin, an eye, teeth, tongue) as `avatarMeshes` of `@implicit-faces/avatar` makes them. */
export interface PartMesh {
  name: string;
  /** `[V, 3]`, metres, world space. */
  positions: Float32Array;
  /** `[V, 3]`, unit length, outward. */
  normals: Float32Array;
  /** `[V, 2]`, (0, 0) at the top left of the image. */
  uvs: Float32Array;
  /** `[F, 3]`, counter-clockwise seen from outside. */
  indices: Uint32Array;
  image: PartImage;
  /** Relief finer than the mesh, see `NormalMapOptions`. */
  normalMap?: PartImage;
}

/** How a part mirrors light: a dielectric's rough surface (Cook-Torrance with GGX). */
export interface Gloss {
  /** Reflectance head-on, ((n - 1) / (n + 1))^2 of a refractive index n: 0 is matte, water 0.02, skin 0.028. */
  f0: number;
  /** Perceptual, 0 to 1: 0.2 is a small bright spot, 0.6 a broad sheen. Its square is GGX' alpha. */
  roughness: number;
}

/** What this frame is drawn with and into; everything else (scissor, stencil, colour mask, clearing) stays the caller's. */
export interface RenderOptions {
  /** Projection, 16 numbers, column-major, camera space to WebGL's clip space. */
  clipFromCamera: ArrayLike<number>;
  /** View, 16 numbers, column-major, rigid. */
  cameraFromWorld: ArrayLike<number>;
  /** `[x, y, width, height]` in pixels from the bottom left. The one that is set, when absent. */
  viewport?: readonly [number, number, number, number];
  /** `null` is the canvas. The one that is bound, when absent. */
  framebuffer?: WebGLFramebuffer | null;
  /** `srgb` for a canvas and 8-bit targets, `srgb-linear` for targets that something else will encode. */
  outputColourSpace?: 'srgb' | 'srgb-linear';
  /** How light above 1 is brought into range. `none`, which clips, when absent; `neutral` is Khronos PBR Neutral, which leaves skin's colours alone. */
  toneMapping?: 'none' | 'neutral';
  /** Multiplies the light before the tone mapping, 1 when absent. */
  exposure?: number;
}
