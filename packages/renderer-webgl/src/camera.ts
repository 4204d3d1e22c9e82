import { mat4 } from 'gl-matrix';

/** What a pinhole camera measures in pixels, see docs/conventions.md, "Images and cameras". */
export interface Intrinsics {
  focalLengthPx: number;
  principalPointPx: readonly [number, number];
  /** Of the picture, pixels. */
  width: number;
  height: number;
}

export interface ClipRange {
  /** Metres. */
  near?: number;
  far?: number;
}

export const CLIP_RANGE_DEFAULTS = { near: 0.05, far: 10 };

/**
 * The projection with which a render lies pixel on pixel over the picture that the camera took.
 *
 * @returns `clipFromCamera`, 16 numbers, column-major.
 */
export function computeClipFromCamera(intrinsics: Intrinsics, range: ClipRange = {}): Float32Array {
  const { focalLengthPx: f, principalPointPx, width, height } = intrinsics;
  const { near = CLIP_RANGE_DEFAULTS.near, far = CLIP_RANGE_DEFAULTS.far } = range;
  const [cx, cy] = principalPointPx;
  const scale = near / f;
  // Pixel rows count downward, clip space upward.
  const clip = mat4.frustum(
    mat4.create(),
    -cx * scale,
    (width - cx) * scale,
    (cy - height) * scale,
    cy * scale,
    near,
    far,
  );
  return Float32Array.from(clip);
}
