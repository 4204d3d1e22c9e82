import { enlargeRegion, LINEAR_FROM_SRGB_BYTE, srgbByteFromLinear } from '@implicit-faces/uv-param';
import { FaceError } from './errors.js';
import type { Avatar, RgbaImage } from './types.js';

export interface ShadedAlbedoOptions {
  /** How much of the shade is painted in, 0 to 1: the factor is 1 + share (shade - 1). For light that is not quite the photo's. */
  share?: number;
  /** `[x, y, width, height]`, texels: only there `out` is written. Everywhere when absent. */
  region?: readonly [number, number, number, number];
}

export const SHADED_ALBEDO_DEFAULTS = { share: 1 };

/**
 * The skin's texture as the photo's light leaves it, for pictures in `avatar.lighting`: its albedo with the shade painted in, at most white. Lit by harmonics alone it looks like the photo. In any other light the skin
 * is drawn with `avatar.albedo`.
 *
 * @param out - destination, of the albedo's size; what is outside of the region stays. Allocated when absent.
 * @returns `out`, sRGB, opaque; without `out` a new image, which is the albedo outside of the region, or the albedo itself when the avatar has no shade.
 * @throws FaceError `SHAPE` for an `out` of another size.
 * @example
 * const shown = shadedAlbedo(avatar); // after a stroke on avatar.albedo:
 * shadedAlbedo(avatar, { region }, shown);
 */
export function shadedAlbedo(
  { albedo, shade }: Pick<Avatar, 'albedo' | 'shade'>,
  options: ShadedAlbedoOptions = {},
  out?: RgbaImage,
): RgbaImage {
  const { width, height } = albedo;
  const { share = SHADED_ALBEDO_DEFAULTS.share, region = [0, 0, width, height] } = options;
  if (out && (out.width !== width || out.height !== height)) {
    throw new FaceError(
      'SHAPE',
      `shadedAlbedo: out should be ${width}x${height}, as the albedo; received ${out.width}x${out.height}.`,
    );
  }
  if (!shade && !out) return albedo;
  const shaded = out ?? { data: albedo.data.slice(), width, height };
  const [left, top, columns, rows] = region;
  const factors = shade && enlargeRegion(shade, [width, height], region);
  for (let y = 0; y < rows; y++) {
    const from = 4 * ((top + y) * width + left);
    const plain = albedo.data.subarray(from, from + 4 * columns);
    const to = shaded.data.subarray(from, from + 4 * columns);
    if (factors) shadeRow(plain, factors.subarray(3 * y * columns), share, to);
    else to.set(plain);
  }
  return shaded;
}

/** A row of texels, `[n, 4]`, times factors, `[n, 3]`. A function of its own, which engines compile sooner than a long loop that is entered once. */
function shadeRow(albedo: Uint8ClampedArray, factors: Float32Array, share: number, out: Uint8ClampedArray): void {
  for (let i = 0, k = 0; i < albedo.length; i += 4, k += 3) {
    for (let c = 0; c < 3; c++) {
      out[i + c] = srgbByteFromLinear(LINEAR_FROM_SRGB_BYTE[albedo[i + c]] * (1 + share * (factors[k + c] - 1)));
    }
    out[i + 3] = 255;
  }
}
