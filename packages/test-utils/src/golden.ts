import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import pixelmatch from 'pixelmatch';
import sharp, { type Sharp } from 'sharp';

/** RGBA, 8 bits, row 0 at the top. */
export interface Picture {
  data: Uint8Array;
  width: number;
  height: number;
}

export interface GoldenOptions {
  /** How many pixels may look different; edges fall differently on other graphics drivers. */
  maxDiffPixels: number;
  /** From which colour difference on a pixel counts, 0 to 1; pixelmatch's own default. */
  threshold?: number;
}

/** Where a failure leaves `NAME.png`: expected, actual and difference side by side. Ignored by git. */
const FAILURES = join('out', 'golden');

/**
 * Compares a picture with the one stored in `file`. `UPDATE_GOLDEN=1` stores it instead.
 *
 * @param file - a PNG.
 * @throws Error when the file is missing, has another size or differs by too many pixels.
 */
export async function compareWithGolden(picture: Picture, file: string, options: GoldenOptions): Promise<void> {
  const { width, height } = picture;
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(file), { recursive: true });
    await toPng(picture).toFile(file);
    return;
  }
  if (!existsSync(file)) throw new Error(`${file} is missing. UPDATE_GOLDEN=1 makes it; look at it before committing.`);
  const golden = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  if (golden.info.width !== width || golden.info.height !== height) {
    throw new Error(`${file} is ${golden.info.width} x ${golden.info.height}; received ${width} x ${height}.`);
  }
  const difference = new Uint8Array(4 * width * height);
  const { maxDiffPixels, threshold = 0.1 } = options;
  const differing = pixelmatch(golden.data, picture.data, difference, width, height, { threshold });
  if (differing <= maxDiffPixels) return;
  mkdirSync(FAILURES, { recursive: true });
  const strip = join(FAILURES, basename(file));
  const columns = [{ ...picture, data: golden.data }, picture, { ...picture, data: difference }];
  await sharp({ create: { width: 3 * width, height, channels: 4, background: '#0000' } })
    .composite(
      await Promise.all(columns.map(async (c, i) => ({ input: await toPng(c).toBuffer(), left: i * width, top: 0 }))),
    )
    .png()
    .toFile(strip);
  throw new Error(
    `${basename(file)}: ${differing} pixels differ, ${maxDiffPixels} may. See ${strip} (expected, actual, difference). If the new one is right: UPDATE_GOLDEN=1.`,
  );
}

function toPng({ data, width, height }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels: 4 } }).png({ compressionLevel: 9 });
}
