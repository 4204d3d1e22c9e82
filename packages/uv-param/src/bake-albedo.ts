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
  const { data, size: from } = texture;
  if (size === from) return texture;
  const out = new Float32Array(3 * size * size);
  // Along a row and along a column the neighbours and their shares are the same.
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const share = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / size - 0.5));
    first[i] = Math.floor(at);
    second[i] = Math.min(from - 1, first[i] + 1);
    share[i] = at - first[i];
  }
  for (let y = 0; y < size; y++) {
    mixRows(data, 3 * from * first[y], 3 * from * second[y], share[y], { first, second, share }, out, 3 * y * size);
  }
  return { data: out, size };
}

/** A row between two of the coarser texture's, which begin at `above` and `below`. A function of its own, which engines compile sooner than a long loop that is entered once. */
function mixRows(
  data: Float32Array,
  above: number,
  below: number,
  sy: number,
  { first, second, share }: { first: Int32Array; second: Int32Array; share: Float64Array },
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
