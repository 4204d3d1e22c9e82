import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { focalLengthFromExif } from '../src/focal-length.js';
import { type DecodeImageOptions, decodeImage } from '../src/node.js';
import { ASTRONAUT } from './helpers/photos.js';

// 40x30: red on the left, blue on the right.
const twoColours = (): Sharp => {
  const pixels = Array.from({ length: 40 * 30 }, (_, i) => (i % 40 < 20 ? [255, 0, 0] : [0, 0, 255]));
  return sharp(Uint8Array.from(pixels.flat()), { raw: { width: 40, height: 30, channels: 3 } });
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'decode-image-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Decodes and returns size and the pixels at the middle of the left and right halves. */
async function summary(source: string | URL | Uint8Array, options?: DecodeImageOptions) {
  const { data, width, height } = await decodeImage(source, options);
  expect(data).toBeInstanceOf(Uint8ClampedArray);
  expect(data.length).toBe(width * height * 4);
  const at = (x: number, y: number) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  const y = height >> 1;
  return { width, height, left: at(width >> 2, y), right: at((3 * width) >> 2, y), top: at(width >> 1, height >> 2) };
}

describe('reads', () => {
  it('a path, a URL and bytes alike', async () => {
    const bytes = await twoColours().png().toBuffer();
    const path = join(folder, 'picture.png');
    await writeFile(path, bytes);
    const expected = { width: 40, height: 30, left: [255, 0, 0, 255], right: [0, 0, 255, 255] };
    for (const source of [path, pathToFileURL(path), bytes]) expect(await summary(source)).toMatchObject(expected);
  });

  it('EXIF orientation: turned upright', async () => {
    const bytes = await twoColours().withMetadata({ orientation: 6 }).png().toBuffer(); // 6: turn clockwise by 90 degrees
    const turned = await summary(bytes);
    expect(turned).toMatchObject({ width: 30, height: 40, top: [255, 0, 0, 255] });
  });

  describe('the focal length that EXIF notes', () => {
    const noted = async (exif: Record<string, string>) =>
      (await decodeImage(await twoColours().withExif({ IFD2: exif }).jpeg().toBuffer())).focalLengthPx;
    // The diagonal is 50 pixels, and 43.27 mm of film.
    const expected = (26 * 50) / Math.hypot(36, 24);

    it('as its 35 mm equivalent: in pixels', async () => {
      expect(await noted({ FocalLengthIn35mmFilm: '26' })).toBeCloseTo(expected, 9);
    });

    it('for pictures made smaller or turned since, but not for cropped ones', async () => {
      // The encoder notes 40 x 30, whatever it is told.
      const bytes = await twoColours()
        .withExif({ IFD2: { FocalLengthIn35mmFilm: '26' } })
        .jpeg()
        .toBuffer();
      const exif = (await sharp(bytes).metadata()).exif!;
      expect(focalLengthFromExif(exif, 40, 30)).toBeCloseTo(expected, 9);
      expect(focalLengthFromExif(exif, 15, 20)).toBeCloseTo(expected / 2, 9);
      expect(focalLengthFromExif(exif, 30, 30)).toBeUndefined();
    });

    it.each([
      ['not where 0 says that it is not known', { FocalLengthIn35mmFilm: '0' }],
      ['not without the equivalent', { FocalLength: '5/1' }],
    ])('%s', async (_, exif) => {
      expect(await noted(exif)).toBeUndefined();
    });

    it('not from a damaged block', () => {
      expect(focalLengthFromExif(Uint8Array.from([1, 2, 3]), 40, 30)).toBeUndefined();
    });
  });

  it('alpha: flattened on white', async () => {
    const clear = {
      create: { width: 32, height: 32, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 0.5 } },
    };
    const { left } = await summary(await sharp(clear).png().toBuffer());
    expect(left[0]).toBeGreaterThan(120);
    expect(left[0]).toBeLessThan(135);
    expect(left[3]).toBe(255);
  });

  it.each([
    ['greyscale', () => twoColours().greyscale().png()],
    ['greyscale with alpha', () => twoColours().ensureAlpha().greyscale().png()],
  ])('%s: all channels equal', async (_, make) => {
    const { width, left, right } = await summary(await make().toBuffer());
    expect(width).toBe(40);
    expect(left[0]).toBe(left[2]);
    expect(left[0]).toBeGreaterThan(right[0] + 10);
    expect(left[3]).toBe(255);
  });

  it('16 bits: as 8', async () => {
    const bytes = await twoColours().toColourspace('rgb16').png().toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    expect(await summary(bytes)).toMatchObject({ left: [255, 0, 0, 255], right: [0, 0, 255, 255] });
  });

  it('16-bit greyscale: as 8', async () => {
    const bytes = await twoColours().toColourspace('grey16').png().toBuffer();
    expect(await sharp(bytes).metadata()).toMatchObject({ depth: 'ushort', channels: 1 });
    const { left, right } = await summary(bytes);
    expect(left[0]).toBeGreaterThan(right[0] + 10);
    expect(left[1]).toBe(left[0]);
  });

  it('CMYK: as sRGB', async () => {
    const bytes = await twoColours().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const { left, right } = await summary(bytes);
    expect(left[0]).toBeGreaterThan(left[2] + 100);
    expect(right[2]).toBeGreaterThan(right[0] + 60);
  });
});

describe('refuses', () => {
  const one = (code: string, text: string) => ({
    name: 'FaceError',
    code,
    message: expect.stringMatching(new RegExp(`^decodeImage: [^\\n]*${text}[^\\n]*$`)),
  });

  it('a path that does not exist, or a folder', async () => {
    await expect(decodeImage(join(folder, 'none.jpg'))).rejects.toMatchObject(
      one('IMAGE_FILE', 'none.jpg does not exist'),
    );
    await expect(decodeImage(folder)).rejects.toMatchObject(one('IMAGE_FILE', 'is a folder'));
  });

  it.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    const path = join(folder, 'locked.png');
    await writeFile(path, 'x');
    await chmod(path, 0);
    await expect(decodeImage(path)).rejects.toMatchObject(one('IMAGE_FILE', 'may not be read'));
  });

  it('0 bytes', async () => {
    await expect(decodeImage(new Uint8Array())).rejects.toMatchObject(one('IMAGE_FORMAT', 'is empty'));
  });

  it('what is no picture', async () => {
    const text = new TextEncoder().encode('Dear diary,\ntoday no picture was taken.');
    await expect(decodeImage(text)).rejects.toMatchObject(one('IMAGE_FORMAT', 'is not a picture'));
  });

  it.each(['png', 'jpeg', 'webp'] as const)('a %s that ends early', async (format) => {
    const whole = await sharp(ASTRONAUT).toFormat(format).toBuffer();
    const half = whole.subarray(0, whole.length >> 1);
    await expect(decodeImage(half)).rejects.toMatchObject(
      one('IMAGE_FORMAT', 'damaged or ends too early|is not a picture'),
    );
  });

  it('1x1 pixels', async () => {
    const bytes = await twoColours().resize(1, 1).png().toBuffer();
    await expect(decodeImage(bytes)).rejects.toMatchObject(one('IMAGE_SIZE', 'has 1x1 pixels'));
  });

  it('a header of 20000x20000, without decoding it', async () => {
    const bytes = await twoColours().png().toBuffer();
    bytes.writeUInt32BE(20000, 16);
    bytes.writeUInt32BE(20000, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    await expect(decodeImage(bytes)).rejects.toMatchObject(one('IMAGE_SIZE', 'has 20000x20000 pixels'));
  });

  it('more pixels than allowed, and stops when told to', async () => {
    const bytes = await twoColours().png().toBuffer();
    await expect(decodeImage(bytes, { maxPixels: 1199 })).rejects.toMatchObject(one('IMAGE_SIZE', '40x30'));
    expect((await summary(bytes, { maxPixels: 1200 })).width).toBe(40);
    await expect(decodeImage(bytes, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

/** The checksum of PNG chunks. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
