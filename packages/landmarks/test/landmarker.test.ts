import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModels } from '../convert/build-models.js';
import {
  FACE_OVAL,
  type FaceLandmarks,
  type Image,
  type Landmarker,
  LEFT_EYE_OUTER,
  loadLandmarker,
  RIGHT_EYE_OUTER,
} from '../src/index.js';
import { decodeImage, modelFiles } from '../src/node.js';
import fixture from './fixtures/astronaut.json' with { type: 'json' };
import { ASTRONAUT } from './helpers/photos.js';
import { SHARED_PHOTOS } from './helpers/shared-photos.js';

let landmarker: Landmarker;
let astronaut: Image;
let face: FaceLandmarks;

beforeAll(async () => {
  await buildModels();
  landmarker = await loadLandmarker({ ort, files: modelFiles() });
  astronaut = await decodeImage(ASTRONAUT);
  face = await landmarker.detect(astronaut);
});
afterAll(() => landmarker.dispose());

/** Distances in the picture between the points of two faces, as shares of the distance between the outer corners of the eyes. */
function errors(received: ArrayLike<number>, expected: ArrayLike<number>): number[] {
  const distance = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number) =>
    Math.hypot(a[3 * i] - b[3 * j], a[3 * i + 1] - b[3 * j + 1]);
  const eyes = distance(expected, RIGHT_EYE_OUTER, expected, LEFT_EYE_OUTER);
  return Array.from({ length: expected.length / 3 }, (_, i) => distance(received, i, expected, i) / eyes);
}
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The expected points after the picture was moved: `to` maps x, y to the new pixels. */
function moved(points: Float32Array, to: (x: number, y: number) => [number, number]): Float32Array {
  const out = points.slice();
  for (let i = 0; i < points.length; i += 3) out.set(to(points[i], points[i + 1]), i);
  return out;
}

const grey = { r: 120, g: 128, b: 110 };
const canvas = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: grey } });
const decode = async (picture: Sharp) => decodeImage(await picture.png().toBuffer());

describe('detect', () => {
  it('agrees with MediaPipe on the astronaut', () => {
    const shares = errors(face.points, fixture.mediapipe);
    expect(mean(shares)).toBeLessThan(0.008); // half a pixel
    expect(Math.max(...shares)).toBeLessThan(0.025);
    const depth = Array.from(face.points).filter((_, i) => i % 3 === 2);
    expect(depth).toBeCloseToTensor(
      fixture.mediapipe.filter((_, i) => i % 3 === 2),
      2,
    );
  });

  it('repeats its stored result', () => {
    expect(face.points).toBeCloseToTensor(fixture.landmarks, 0.05);
  });

  it('gives box, score and count', () => {
    const { x, y, width, height } = face.box;
    for (const i of FACE_OVAL) {
      expect(face.points[3 * i]).toBeGreaterThanOrEqual(x);
      expect(face.points[3 * i + 1]).toBeLessThanOrEqual(y + height);
    }
    expect(width).toBeCloseTo(94, -1);
    expect(face.score).toBeGreaterThan(0.99);
    expect(face.faceCount).toBe(1);
  });

  it.each([0.5, 0.25, 0.2])('finds the face in a picture shrunk to %f and put on a large canvas', async (scale) => {
    const side = Math.round(512 * scale);
    const input = await sharp(ASTRONAUT).resize(side, side).png().toBuffer();
    const left = 700 - side;
    const top = 40;
    const found = await landmarker.detect(await decode(canvas(900, 700).composite([{ input, left, top }])));
    const expected = moved(face.points, (x, y) => [(x * side) / 512 + left, (y * side) / 512 + top]);
    expect(mean(errors(found.points, expected))).toBeLessThan(0.04);
  });

  it.each([45, 90, 180, 270])('finds a face turned by %i degrees', async (degrees) => {
    const image = await decode(sharp(ASTRONAUT).rotate(degrees, { background: grey }));
    const cos = Math.cos((degrees * Math.PI) / 180);
    const sin = Math.sin((degrees * Math.PI) / 180);
    const expected = moved(face.points, (x, y) => [
      image.width / 2 + (x - 256) * cos - (y - 256) * sin,
      image.height / 2 + (x - 256) * sin + (y - 256) * cos,
    ]);
    expect(mean(errors((await landmarker.detect(image)).points, expected))).toBeLessThan(0.03);
  });

  it('finds a face that fills the picture', async () => {
    const { x, y, width, height } = face.box;
    const left = Math.round(x);
    const top = Math.round(y);
    const image = await decode(
      sharp(ASTRONAUT).extract({ left, top, width: Math.round(width), height: Math.round(height) }),
    );
    const expected = moved(face.points, (px, py) => [px - left, py - top]);
    expect(mean(errors((await landmarker.detect(image)).points, expected))).toBeLessThan(0.04);
  });

  it('takes the largest of several faces, or the one asked for', async () => {
    const sizes = [300, 512, 400];
    const composite = await Promise.all(
      sizes.map(async (side, i) => ({
        input: await sharp(ASTRONAUT).resize(side, side).png().toBuffer(),
        left: sizes.slice(0, i).reduce((sum, size) => sum + size, 0),
        top: 0,
      })),
    );
    const image = await decode(canvas(1212, 512).composite(composite));
    const faces = await Promise.all([undefined, 1, 2].map((index) => landmarker.detect(image, { index })));
    expect(faces.map(({ faceCount }) => faceCount)).toEqual([3, 3, 3]);
    expect(faces.map(({ box }) => (box.x > 812 ? 400 : box.x > 300 ? 512 : 300))).toEqual([512, 400, 300]);
    await expect(landmarker.detect(image, { index: 3 })).rejects.toMatchObject({
      code: 'FACE_INDEX',
      message: 'detect: index should be 0 to 2, the faces found; received 3.',
    });
  });

  it('finds no face in noise, in a blank picture and in a picture without its face', async () => {
    const random = createRandom(5);
    const noise = {
      data: Uint8ClampedArray.from({ length: 256 * 256 * 4 }, () => random.integer(256)),
      width: 256,
      height: 256,
    };
    const blank = await decode(canvas(300, 200));
    const { x, y, width, height } = face.box;
    const cover = await canvas(Math.ceil(width * 1.6), Math.ceil(height * 1.6))
      .png()
      .toBuffer();
    const left = Math.floor(x - width * 0.3);
    const top = Math.floor(y - height * 0.3);
    const faceless = await decode(sharp(ASTRONAUT).composite([{ input: cover, left, top }]));
    for (const image of [noise, blank, faceless]) {
      await expect(landmarker.detect(image)).rejects.toMatchObject({
        code: 'NO_FACE',
        message: expect.stringMatching(/^detect: no face was found in the image \(\d+x\d+\)\. Use [^\n]+$/),
      });
    }
  });

  it.each([
    ['too few', new Uint8ClampedArray(300), 'Uint8ClampedArray of 300'],
    ['NaN', new Float32Array(400).fill(Number.NaN) as never, 'Float32Array of 400'],
  ])('refuses data that are not RGBA: %s', async (_, data, received) => {
    const image = { data, width: 10, height: 10 };
    const refusal = { code: 'IMAGE', message: expect.stringContaining(received) };
    await expect(landmarker.detect(image)).rejects.toMatchObject(refusal);
    await expect(landmarker.mask(image)).rejects.toMatchObject(refusal);
  });

  it('stops when told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(landmarker.detect(astronaut, { signal })).rejects.toThrow('enough');
    await expect(landmarker.mask(astronaut, { signal })).rejects.toThrow('enough');
  });
});

describe('mask', () => {
  it('covers the face and not the corners of the wall, with and without a box', async () => {
    for (const box of [undefined, face.box]) {
      const mask = await landmarker.mask(astronaut, { box });
      expect([mask.width, mask.height, mask.data.length]).toEqual([512, 512, 512 * 512]);
      const at = (x: number, y: number) => mask.data[Math.round(y) * 512 + Math.round(x)];
      for (const i of [1, 10, 152, RIGHT_EYE_OUTER, LEFT_EYE_OUTER]) {
        expect(at(face.points[3 * i], face.points[3 * i + 1])).toBeGreaterThan(240);
      }
      expect(at(8, 150)).toBeLessThan(15);
      expect(at(face.box.x - face.box.width, face.box.y)).toBeLessThan(15);
    }
  });
});

describe('track', () => {
  it('finds the same points as detect does, from where the face was a frame ago', async () => {
    const before = moved(face.points, (x, y) => [x + 6, y - 4]);
    const { points, score } = (await landmarker.track(astronaut, before))!;
    expect(mean(errors(points, face.points))).toBeLessThan(0.02);
    expect(score).toBeGreaterThan(0.9);
  });

  it('finds nothing where there is no face', async () => {
    expect(
      await landmarker.track(
        astronaut,
        moved(face.points, (x, y) => [x + 5000, y]),
      ),
    ).toBeUndefined();
    expect(await landmarker.track(astronaut, new Float32Array(1404).fill(Number.NaN))).toBeUndefined();
    const empty = { data: new Uint8ClampedArray(4 * 256 * 256).fill(120), width: 256, height: 256 };
    expect(await landmarker.track(empty, face.points)).toBeUndefined();
  });

  it('refuses what is no frame or no face', async () => {
    await expect(landmarker.track({ ...astronaut, width: 3 }, face.points)).rejects.toMatchObject({ code: 'IMAGE' });
    await expect(landmarker.track(astronaut, face.points.slice(3))).rejects.toThrow(
      /track: expected 468 points; received 1401 coordinates/,
    );
  });
});

describe('says which network answers with NaN:', () => {
  /** The runtime, with the first number of one output spoilt in every answer that has it. */
  const poisonedOrt = (output: string) => ({
    ...ort,
    InferenceSession: {
      async create(...settings: Parameters<typeof ort.InferenceSession.create>) {
        const session = await ort.InferenceSession.create(...settings);
        const run = session.run.bind(session);
        session.run = async (feeds: Parameters<typeof run>[0]) => {
          const answer = await run(feeds);
          if (answer[output]) (answer[output].data as Float32Array)[0] = Number.NaN;
          return answer;
        };
        return session;
      },
    } as unknown as typeof ort.InferenceSession,
  });

  it.each([
    ['face-detection-full-range', 'scores', 'detect'],
    ['face-landmark', 'points', 'detect'],
    ['face-landmark', 'presence', 'detect'],
    ['selfie-segmentation', 'mask', 'mask'],
  ] as const)('%s, %s', async (network, output, method) => {
    const poisoned = await loadLandmarker({ ort: poisonedOrt(output), files: modelFiles() });
    await expect(poisoned[method](astronaut)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(
        new RegExp(`^landmarks: the network ${network} answered NaN in ${output}, at 0 of`),
      ),
    });
    await poisoned.dispose();
  });
});

describe('loadLandmarker', () => {
  it('refuses a network that is not the one in the manifest', async () => {
    const files = modelFiles();
    const tampered = {
      read: async (path: string) => {
        const bytes = await files.read(path);
        if (path === 'face-landmark.onnx') bytes[1000] ^= 1;
        return bytes;
      },
    };
    await expect(loadLandmarker({ ort, files: tampered })).rejects.toMatchObject({
      code: 'FILE_HASH',
      message: expect.stringContaining('face-landmark.onnx'),
    });
  });

  it('ships a notice beside the networks', async () => {
    const notice = new TextDecoder().decode(await modelFiles().read('NOTICE'));
    expect(notice).toContain('Apache License, Version 2.0');
    expect(notice).toContain('@mediapipe/face_mesh 0.4.1657299874');
    expect(await readFile(new URL('../LICENSE-APACHE-2.0', import.meta.url), 'utf8')).toContain('Apache License');
  });
});

describe.skipIf(!SHARED_PHOTOS)('the 14 portraits', () => {
  const names = SHARED_PHOTOS ? readdirSync(SHARED_PHOTOS).filter((name) => /\.(jpg|png)$/.test(name)) : [];

  it('are all there', () => expect(names).toHaveLength(14));

  it.each(names)('%s: one face, the same as in the picture at half size', async (name) => {
    const path = join(SHARED_PHOTOS!, name);
    const image = await decodeImage(path);
    const whole = await landmarker.detect(image);
    expect(whole.faceCount).toBe(1);
    expect(whole.score).toBeGreaterThan(0.99);
    const width = Math.round(image.width / 2);
    const height = Math.round(image.height / 2);
    const half = await landmarker.detect(await decode(sharp(path).resize(width, height, { fit: 'fill' })));
    const expected = moved(whole.points, (x, y) => [(x * width) / image.width, (y * height) / image.height]);
    expect(mean(errors(half.points, expected))).toBeLessThan(0.02);
  });
});
