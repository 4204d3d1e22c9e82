import sharp from 'sharp';
import type { RgbaImage } from './types.js';

/** Makes a PNG file of a picture; without an alpha channel when the picture is opaque. */
export async function encodePng({ data, width, height }: RgbaImage): Promise<Uint8Array<ArrayBuffer>> {
  const opaque = data.every((value, i) => i % 4 !== 3 || value === 255);
  const picture = sharp(data, { raw: { width, height, channels: 4 } });
  return new Uint8Array(await (opaque ? picture.removeAlpha() : picture).png().toBuffer());
}
