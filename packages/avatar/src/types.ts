/** An 8-bit sRGB picture, row-major RGBA from the top left. Pixel (i, j) is centred at (i + 0.5, j + 0.5). */
export interface RgbaImage {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** A pinhole camera in glTF's axes: it looks along -Z of camera space, see docs/conventions.md. */
export interface Camera {
  /** 16 numbers, column-major, metres. */
  cameraFromWorld: ArrayLike<number>;
  focalLengthPx: number;
  /** x right, y down, pixels from the picture's top left corner. */
  principalPointPx: readonly [number, number];
}

/** `[9, 3]` spherical-harmonics coefficients of linear RGB shading, see docs/conventions.md. */
export type Lighting = Float32Array;

/** A face, found in a photo or made up, as plain data. Its codes mean something only with the model of `modelId`. */
export interface Avatar {
  modelId: string;
  /** `[Dg]` */
  geometryCode: Float32Array;
  /** `[De]`, the fitted expression. */
  expressionCode: Float32Array;
  /** `[Dt]` */
  textureCode: Float32Array;
  /**
   * `[3, 3, Dg]` what is the avatar's own of g^-1's last layer: it moves a place along axis a by the sum over b and k of tuning[a, b, k] * jacobian[b, k], the same in every expression. f and g are
   * without it. None when absent.
   */
  tuning?: Float32Array;
  /** The skin's texture in the skin's chart, opaque. Painting on it paints the face. */
  albedo: RgbaImage;
  /** Textures of other parts by name (`eyeLeft`, `teethUpper`, ...), each in that part's own chart, opaque; a part that is absent has the model's. */
  partAlbedos?: Record<string, RgbaImage>;
  /**
   * The skin's relief that its mesh is too coarse for, in the skin's chart: unit normals in the tangent frame of `computeTangents` as bytes, 255 (n + 1) / 2, in glTF's convention
   * (x along u, y up the picture, z out). None when absent.
   */
  normalMap?: RgbaImage;
  /**
   * What the photo's light does on the skin beyond what `lighting` says of its normals: shadows that the head casts on itself, and what is broad and grey in the photo but not in the model's albedo. In the
   * photo's light the skin is albedo * shading * shade (`shadedAlbedo`); any other light knows nothing of it. 1 everywhere when absent.
   */
  shade?: ShadeMap;
  /** The photo's camera, in the photo's pixels. */
  camera: Camera;
  /** The photo's light. */
  lighting: Lighting;
}

/** Factors of a light on the skin's chart. */
export interface ShadeMap {
  /** `[size, size, 3]` linear RGB, row-major from the top left. */
  data: Float32Array;
  size: number;
}

/** Triangles, counter-clockwise seen from outside. */
export interface TriangleMesh {
  /** `[V, 3]` metres. */
  positions: Float32Array;
  /** `[F, 3]` */
  indices: Uint32Array;
}

/** One part of the avatar, ready to draw. */
export interface PartMesh extends TriangleMesh {
  /** As in the manifest's `parts`: `skin`, `eyeLeft`, ... */
  name: string;
  /** `[V, 3]` unit length, outward. */
  normals: Float32Array;
  /** `[V, 2]` in the part's own chart, (0, 0) at the top left. */
  uvs: Float32Array;
  /** The albedo, sRGB. */
  image: RgbaImage;
  /** As the avatar's `normalMap`, in the part's own chart. */
  normalMap?: RgbaImage;
}
