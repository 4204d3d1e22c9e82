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
}

/** How wet a part looks. */
export interface Gloss {
  /** 0 is matte, 1 reflects as water does. */
  strength: number;
  /** Sharpness of the highlight: 10 is a broad sheen, 300 a small bright spot. */
  exponent: number;
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
}
