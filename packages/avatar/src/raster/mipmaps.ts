import { decodeSrgb } from '@implicit-faces/uv-param';
import { decodeNormalMap } from '../normal-map.js';
import type { RgbaImage } from '../types.js';

/** A texture and its halvings down to one texel, in linear RGB, so that averages are those of light; or vectors. */
export interface Mipmaps {
  levels: { data: Float32Array; width: number; height: number }[];
}

/** Prepares a texture for `sampleMipmaps`; every level is the box average of the one before. */
export function createMipmaps({ data, width, height }: RgbaImage): Mipmaps {
  return halvings(decodeSrgb(data), width, height);
}

/** The same of a normal map's vectors: what is left of averages gets shorter the more they differ. */
export function createNormalMipmaps(map: RgbaImage): Mipmaps {
  return halvings(decodeNormalMap(map), map.width, map.height);
}

function halvings(data: Float32Array, width: number, height: number): Mipmaps {
  const levels = [{ data, width, height }];
  while (width > 1 || height > 1) {
    const halfWidth = Math.max(1, width >> 1);
    const halfHeight = Math.max(1, height >> 1);
    const half = new Float32Array(3 * halfWidth * halfHeight);
    for (let y = 0, k = 0; y < halfHeight; y++) {
      const row0 = 3 * width * Math.min(2 * y, height - 1);
      const row1 = 3 * width * Math.min(2 * y + 1, height - 1);
      for (let x = 0; x < halfWidth; x++) {
        const x0 = 3 * Math.min(2 * x, width - 1);
        const x1 = 3 * Math.min(2 * x + 1, width - 1);
        for (let c = 0; c < 3; c++) {
          half[k++] = (data[row0 + x0 + c] + data[row0 + x1 + c] + data[row1 + x0 + c] + data[row1 + x1 + c]) / 4;
        }
      }
    }
    data = half;
    width = halfWidth;
    height = halfHeight;
    levels.push({ data, width, height });
  }
  return { levels };
}

/**
 * The texture's linear colour at (u, v), clamped at the border, trilinear.
 *
 * @param lod - 0 is the full picture, 1 its half, and so on; what lies between is blended.
 * @param out - destination `[3]`.
 */
export function sampleMipmaps({ levels }: Mipmaps, u: number, v: number, lod: number, out: Float64Array): Float64Array {
  const clamped = Math.min(Math.max(lod, 0), levels.length - 1);
  const fine = Math.floor(clamped);
  const share = clamped - fine;
  out[0] = 0;
  out[1] = 0;
  out[2] = 0;
  addBilinear(levels[fine], u, v, 1 - share, out);
  if (share > 0) addBilinear(levels[fine + 1], u, v, share, out);
  return out;
}

function addBilinear(level: Mipmaps['levels'][number], u: number, v: number, weight: number, out: Float64Array): void {
  const { data, width, height } = level;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const sx = x - x0;
  const sy = y - y0;
  const i00 = 3 * (y0 * width + x0);
  const right = x0 + 1 < width ? 3 : 0;
  const below = y0 + 1 < height ? 3 * width : 0;
  const w00 = weight * (1 - sx) * (1 - sy);
  const w10 = weight * sx * (1 - sy);
  const w01 = weight * (1 - sx) * sy;
  const w11 = weight * sx * sy;
  for (let c = 0; c < 3; c++) {
    const i = i00 + c;
    out[c] += w00 * data[i] + w10 * data[i + right] + w01 * data[i + below] + w11 * data[i + below + right];
  }
}
