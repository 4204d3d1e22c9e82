// Pictures as people have them, all made from one: each gives the face that the plain one gives, or NO_FACE.

import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaceLandmarks, type Landmarker, LEFT_EYE_OUTER, loadLandmarker, RIGHT_EYE_OUTER } from '../src/index.js';
import { decodeImage, modelFiles } from '../src/node.js';
import { ASTRONAUT } from './helpers/photos.js';

let landmarker: Landmarker;
/** Head and shoulders, 256 pixels wide and high, the face 94 wide. */
let portrait: Buffer;
let plain: FaceLandmarks;
beforeAll(async () => {
  landmarker = await loadLandmarker({ ort, files: modelFiles() });
  portrait = await sharp(ASTRONAUT).extract({ left: 96, top: 0, width: 256, height: 256 }).png().toBuffer();
  plain = await landmarker.detect(await decodeImage(portrait));
});
afterAll(() => landmarker.dispose());

/** The mean distance between the landmarks of a file and those of the plain portrait, over the outer-eye distance; `scale` is the file's pixels over the portrait's. */
async function error(bytes: Uint8Array, scale = 1): Promise<number> {
  const { points, faceCount } = await landmarker.detect(await decodeImage(bytes));
  expect(faceCount).toBe(1);
  const distance = (a: Float32Array, i: number, b: Float32Array, j: number, s: number) =>
    Math.hypot(a[3 * i] / s - b[3 * j], a[3 * i + 1] / s - b[3 * j + 1]);
  const eyes = distance(plain.points, RIGHT_EYE_OUTER, plain.points, LEFT_EYE_OUTER, 1);
  let sum = 0;
  for (let i = 0; i < 468; i++) sum += distance(points, i, plain.points, i, scale);
  return sum / 468 / eyes;
}

describe('finds the same face in', () => {
  /** A row per picture: what was done to the portrait, and how far landmarks may move by it, over the outer-eye distance. */
  it.each<[string, number, (picture: Sharp) => Sharp]>([
    ['greyscale', 0.02, (picture) => picture.greyscale().png()],
    ['16 bits', 0.001, (picture) => picture.toColourspace('rgb16').png()],
    ['16-bit greyscale TIFF', 0.02, (picture) => picture.toColourspace('grey16').tiff()],
    ['CMYK', 0.02, (picture) => picture.toColourspace('cmyk').jpeg({ quality: 95 })],
    ['256 colours', 0.02, (picture) => picture.png({ palette: true })],
    ['a JPEG of little quality', 0.06, (picture) => picture.jpeg({ quality: 12 })],
    ['a soft picture', 0.03, (picture) => picture.blur(1.5)],
    ['a picture that is far too dark', 0.06, (picture) => picture.linear(0.08, 0)],
  ])('%s', async (_, tolerance, change) => {
    expect(await error(await change(sharp(portrait)).toBuffer())).toBeLessThan(tolerance);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i, as cameras write it', async (orientation) => {
    // The stored picture is the upright one turned or mirrored the other way; sharp mirrors before it turns.
    const stored = [
      (picture: Sharp) => picture,
      (picture: Sharp) => picture.flop(),
      (picture: Sharp) => picture.rotate(180),
      (picture: Sharp) => picture.flip(),
      (picture: Sharp) => picture.flop().rotate(270),
      (picture: Sharp) => picture.rotate(270),
      (picture: Sharp) => picture.flop().rotate(90),
      (picture: Sharp) => picture.rotate(90),
    ][orientation - 1](sharp(portrait));
    const turned = await sharp(await stored.png().toBuffer())
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    expect(await error(turned)).toBeLessThan(1e-6);
  });

  it('a cut-out on nothing, whose hidden pixels are a mess', async () => {
    const random = createRandom(3);
    const { data, info } = await sharp(portrait).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const { x, y, width, height } = plain.box;
    for (let i = 0; i < data.length; i += 4) {
      const [dx, dy] = [((i / 4) % info.width) - (x + width / 2), Math.floor(i / 4 / info.width) - (y + height / 2)];
      if (Math.hypot(dx / width, dy / height) > 0.9) data.set([random.integer(256), random.integer(256), 0, 0], i);
    }
    const { width: w, height: h } = info;
    const cutOut = await sharp(data, { raw: { width: w, height: h, channels: 4 } })
      .png()
      .toBuffer();
    expect(await error(cutOut)).toBeLessThan(0.03);
  });

  it.each([40, 25])('a face %i pixels wide', async (width) => {
    const side = Math.round((256 * width) / plain.box.width);
    expect(await error(await sharp(portrait).resize(side, side).png().toBuffer(), side / 256)).toBeLessThan(0.05);
  });

  it('a picture of 20 million pixels that shows little else', async () => {
    const scale = 1000 / 256;
    const input = await sharp(portrait).resize(1000, 1000).png().toBuffer();
    const canvas = { width: 5000, height: 4000, channels: 3 as const, background: '#8a8' };
    const { points } = await landmarker.detect(
      await decodeImage(
        await sharp({ create: canvas })
          .composite([{ input, left: 3000, top: 2000 }])
          .jpeg()
          .toBuffer(),
      ),
    );
    const nose = [points[3] - 3000, points[4] - 2000].map((v) => v / scale);
    expect(Math.hypot(nose[0] - plain.points[3], nose[1] - plain.points[4])).toBeLessThan(2);
  });

  it('noise of 40 levels a pixel', async () => {
    const random = createRandom(4);
    const { data, info } = await sharp(portrait).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const noisy = Uint8ClampedArray.from(data, (value) => value + 40 * random.normal());
    const { width, height } = info;
    expect(
      await error(
        await sharp(noisy, { raw: { width, height, channels: 3 } })
          .png()
          .toBuffer(),
      ),
    ).toBeLessThan(0.06);
  });
});

describe('says NO_FACE, and what to do, of', () => {
  const svg = (body: string) =>
    sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300">${body}</svg>`));
  it.each<[string, () => Sharp]>([
    ['a picture blurred beyond recognition', () => sharp(portrait).blur(12)],
    ['a black one', () => sharp(portrait).linear(0.005, 0)],
    ['a white one', () => sharp(portrait).linear(4, 120)],
    ['a face 8 pixels wide', () => sharp(portrait).resize(22, 22)],
    [
      'the back of a head',
      () =>
        svg('<rect width="300" height="300" fill="#9ab"/><ellipse cx="150" cy="150" rx="80" ry="110" fill="#532"/>'),
    ],
    [
      'a smiley',
      () =>
        svg(
          '<rect width="300" height="300" fill="#fff"/><circle cx="150" cy="150" r="110" fill="#fd0" stroke="#000" stroke-width="5"/><circle cx="112" cy="120" r="13"/><circle cx="188" cy="120" r="13"/><path d="M90 180q60 68 120 0" stroke="#000" stroke-width="8" fill="none"/>',
        ),
    ],
  ])('%s', async (_, make) => {
    const image = await decodeImage(await make().png().toBuffer());
    await expect(landmarker.detect(image)).rejects.toMatchObject({
      code: 'NO_FACE',
      message: expect.stringMatching(/^detect: no face was found in the image \(\d+x\d+\)\. Use [^\n]+$/),
    });
  });
});
