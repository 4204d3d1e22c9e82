import { FaceError } from './errors.js';
import type { UvModel } from './uv-model.js';

/** A square picture in linear RGB over the skin's chart: row 0 is at v = 0. */
export interface LinearTexture {
  /** `[size, size, 3]` */
  data: Float32Array;
  size: number;
}

export interface BakeAlbedoOptions {
  signal?: AbortSignal;
  /** Called with the share of the texels that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

/**
 * The place of every texel's centre.
 *
 * @returns `[size * size, 2]`, row by row.
 * @throws FaceError `RANGE` unless `size` is a whole number of 1 to 8192.
 */
export function texelCentres(size: number): Float32Array {
  if (!Number.isSafeInteger(size) || size < 1 || size > 8192) {
    throw new FaceError('RANGE', `texelCentres: size should be a whole number of 1 to 8192; received ${size}.`);
  }
  const centres = new Float32Array(2 * size * size);
  for (let row = 0, i = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      centres[i++] = (column + 0.5) / size;
      centres[i++] = (row + 0.5) / size;
    }
  }
  return centres;
}

/**
 * The skin's albedo as a picture, which is what people paint on. `encodeSrgb` makes an 8-bit image of it.
 *
 * @param texture - `[Dt]`
 * @param expression - `[De]`
 * @param size - texels along each side.
 * @throws FaceError `RANGE` for the size, `CODES` for codes of another model. An abort rejects with the signal's reason.
 */
export async function bakeAlbedo(
  model: UvModel,
  texture: Float32Array,
  expression: Float32Array,
  size: number,
  options: BakeAlbedoOptions = {},
): Promise<LinearTexture> {
  return { data: await model.albedo(texelCentres(size), texture, expression, undefined, options), size };
}

/**
 * The same picture with more texels, bilinear; borders are repeated.
 *
 * @returns the texture itself when it has the size already.
 */
export function enlargeTexture(texture: LinearTexture, size: number): LinearTexture {
  if (size === texture.size) return texture;
  return { data: enlargeRegion(texture, [size, size], [0, 0, size, size]), size };
}

/**
 * A part of the same picture with more texels, bilinear; borders are repeated.
 *
 * @param size - width and height of the whole finer picture, texels.
 * @param region - `[x, y, width, height]` of the part, texels of the finer picture.
 * @returns `[height, width, 3]` of the part.
 */
export function enlargeRegion(
  { data, size: from }: LinearTexture,
  [fullWidth, fullHeight]: readonly [number, number],
  [left, top, width, height]: readonly [number, number, number, number],
): Float32Array {
  const out = new Float32Array(3 * width * height);
  // Along a row and along a column the neighbours and their shares are the same.
  const columns = bilinearTaps(from, fullWidth, left, width);
  const { first, second, share } = bilinearTaps(from, fullHeight, top, height);
  for (let y = 0; y < height; y++) {
    mixRows(data, 3 * from * first[y], 3 * from * second[y], share[y], columns, out, 3 * y * width);
  }
  return out;
}

/** Between which two of a row's texels the centres of a finer one's lie, `[n]` each: `second` counts with `share`, `first` with the rest. */
interface BilinearTaps {
  first: Int32Array;
  second: Int32Array;
  share: Float64Array;
}

/** Where `count` texels from `start` on, of a row that has `to`, are in a row of `from`. */
function bilinearTaps(from: number, to: number, start: number, count: number): BilinearTaps {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const share = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const at = Math.min(from - 1, Math.max(0, ((start + i + 0.5) * from) / to - 0.5));
    first[i] = Math.floor(at);
    second[i] = Math.min(from - 1, first[i] + 1);
    share[i] = at - first[i];
  }
  return { first, second, share };
}

/** A row between two of the coarser texture's, which begin at `above` and `below`. A function of its own, which engines compile sooner than a long loop that is entered once. */
function mixRows(
  data: Float32Array,
  above: number,
  below: number,
  sy: number,
  { first, second, share }: BilinearTaps,
  out: Float32Array,
  into: number,
): void {
  for (let x = 0, k = into; x < first.length; x++) {
    const left = 3 * first[x];
    const right = 3 * second[x];
    const sx = share[x];
    for (let c = 0; c < 3; c++, k++) {
      out[k] =
        (1 - sy) * ((1 - sx) * data[above + left + c] + sx * data[above + right + c]) +
        sy * ((1 - sx) * data[below + left + c] + sx * data[below + right + c]);
    }
  }
}
