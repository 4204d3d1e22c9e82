import { alignTangent } from './mesh-tangents.js';
import type { RgbaImage } from './types.js';
import { normalise } from './vectors.js';

/**
 * Unit vectors as the bytes of a normal map: 255 (x + 1) / 2, which is what glTF's `normalTexture` holds.
 *
 * @param normals - `[H, W, 3]` tangent space: x along u, y up the picture, z out.
 */
export function encodeNormalMap(normals: Float32Array, width: number, height: number): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0, j = 0; j < normals.length; i += 4, j += 3) {
    for (let c = 0; c < 3; c++) data[i + c] = 127.5 * (normals[j + c] + 1);
  }
  return { data, width, height };
}

/** The other way round: `[H, W, 3]`, of unit length to rounding. */
export function decodeNormalMap({ data }: RgbaImage): Float32Array {
  const normals = new Float32Array((data.length / 4) * 3);
  for (let i = 0, j = 0; j < normals.length; i += 4, j += 3) {
    for (let c = 0; c < 3; c++) normals[j + c] = data[i + c] / 127.5 - 1;
  }
  return normals;
}

/**
 * Turns a unit normal `[3]`, in place, into what a normal map says there.
 *
 * @param tangent - `[4]` as `computeTangents`; aligned with the normal first, in place.
 * @param detail - `[3]` of the map, of any length.
 */
export function bendNormal(normal: Float64Array, tangent: Float64Array, detail: ArrayLike<number>): void {
  alignTangent(normal, tangent);
  const [nx, ny, nz] = normal;
  const [tx, ty, tz, handedness] = tangent;
  const [x, y, z] = [detail[0], detail[1] * handedness, detail[2]];
  normal[0] = x * tx + y * (ny * tz - nz * ty) + z * nx;
  normal[1] = x * ty + y * (nz * tx - nx * tz) + z * ny;
  normal[2] = x * tz + y * (nx * ty - ny * tx) + z * nz;
  normalise(normal);
}
