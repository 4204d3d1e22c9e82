/**
 * An 8-bit sRGB picture, row-major RGBA. Alpha is ignored: flatten it first. Pixel (i, j) is centred at (i + 0.5, j + 0.5). What a
 * canvas calls ImageData is one.
 */
export interface Image {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** An axis-aligned rectangle in image pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One face found in an image. */
export interface FaceLandmarks {
  /** Bounds of the points. */
  box: Box;
  /**
   * `[468, 3]`, image pixels: x right, y down, z away from the camera. x and y may lie outside the image. z is a weak-perspective
   * guess from a single view, relative to a plane through the head; its scale is that of x.
   */
  points: Float32Array;
  /** 0..1: how sure the landmark network is that this is a face. */
  score: number;
  /** Faces found in the image; `index` may be anything below it. */
  faceCount: number;
}

/** `data` is `[height, width]`: 255 where there is a person (hair, clothes and all), 0 where there is none. */
export interface PersonMask {
  data: Uint8Array;
  width: number;
  height: number;
}
