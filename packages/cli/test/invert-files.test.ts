import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FaceModel, loadAvatar, viewCamera } from '@implicit-faces/avatar';
import type { InvertedAvatar, InvertedPhoto } from '@implicit-faces/inversion';
import { FaceError, IBUG68_FROM_468, type Landmarker } from '@implicit-faces/landmarks';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../src/load-models.js';
import { INVERT_FILES, writeInvertFiles } from '../src/output/invert-files.js';
import { openOutputFolder } from '../src/output/output-folder.js';
import type { InvertReport } from '../src/output/report.js';

const WIDTH = 96;
const HEIGHT = 80;
const TINY_MODEL = fileURLToPath(new URL('../../test-utils/fixtures/tiny-face-model', import.meta.url));

/** Sees nobody: a ball has no face. */
const blind: Landmarker = {
  detect: () => Promise.reject(new FaceError('NO_FACE', 'detect: no face.')),
  track: () => Promise.reject(new Error('not asked for')),
  mask: () => Promise.reject(new Error('not asked for')),
  dispose: async () => {},
};

function plain(red: number, green: number, blue: number, width: number, height = width) {
  const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => [red, green, blue, 255][i % 4]);
  return { data, width, height };
}

let model: FaceModel;
let out: string;
let report: InvertReport;
const photo = plain(20, 200, 30, WIDTH, HEIGHT);

beforeAll(async () => {
  model = await loadModel(TINY_MODEL);
  out = mkdtempSync(join(tmpdir(), 'invert-files-'));
  const { id, codes } = model.manifest;
  const camera = viewCamera(0, { size: 80 });
  // White light from everywhere, of strength 1.
  const lighting = new Float32Array(27).fill(1 / 0.282095, 0, 3);
  const landmarks = new Float32Array(468 * 3);
  landmarks.set([40, 30], 3 * 263);
  for (const index of IBUG68_FROM_468) landmarks[3 * index + 1] = 30;
  const first: InvertedPhoto = {
    expressionCode: new Float32Array(codes.expression),
    camera,
    lighting,
    start: 'encoder',
    expectedErrorMm: 2.5,
    landmarks,
    box: { x: 0, y: 0, width: 40, height: 30 },
    foreground: new Uint8Array(WIDTH * HEIGHT),
  };
  const avatar: InvertedAvatar = {
    modelId: id,
    geometryCode: new Float32Array(codes.geometry),
    expressionCode: new Float32Array(codes.expression),
    textureCode: new Float32Array(codes.texture),
    albedo: plain(20, 200, 30, 64),
    camera,
    lighting,
    inversion: {
      preset: 'fast',
      seed: 7,
      seconds: { total: 3, detect: 1, encode: 0, optimise: 1, finetune: 0, texture: 1 },
      steps: 8,
      ...first,
      photos: [first, { ...first, lighting: lighting.map((x) => x / 2) }],
      modelAlbedo: plain(30, 210, 40, 64),
    },
  };
  const folder = openOutputFolder(out, Object.keys(INVERT_FILES));
  const fractions: number[] = [];
  await writeInvertFiles(folder, avatar, {
    model,
    landmarks: blind,
    photos: [photo, photo],
    onProgress: (fraction) => fractions.push(fraction),
  });
  folder.commit();
  expect(fractions).toEqual(Object.keys(INVERT_FILES).map((_, i, { length }) => (i + 1) / length));
  report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
}, 60_000);
afterAll(async () => {
  rmSync(out, { recursive: true });
  await model.dispose();
});

/** The values of a picture's first channel. */
function firstChannel(name: string): Promise<Buffer> {
  return sharp(join(out, name)).extractChannel(0).raw().toBuffer();
}

it('writes pictures of the promised sizes', async () => {
  for (const [name, width, height, channels] of [
    ['render.png', WIDTH, HEIGHT, 3],
    ['mask.png', WIDTH, HEIGHT, 1],
    ['face.png', WIDTH, HEIGHT, 1],
    ['texture.png', 64, 64, 3],
    ...['left', 'front', 'right'].flatMap((view) => [
      [`${view}.png`, 512, 512, 3],
      [`clay-${view}.png`, 512, 512, 3],
    ]),
  ] as [string, number, number, number][]) {
    expect(await sharp(join(out, name)).metadata(), name).toMatchObject({ width, height, channels });
  }
});

it('marks the face inside the mask, both with 0 and 255 only', async () => {
  const mask = await firstChannel('mask.png');
  const face = await firstChannel('face.png');
  const count = (data: Buffer) => data.filter((value) => value === 255).length;
  expect(new Set([...mask, ...face])).toEqual(new Set([0, 255]));
  expect(count(face)).toBeGreaterThan(100);
  expect(count(mask)).toBeGreaterThan(count(face));
  expect(face.some((value, i) => value > mask[i])).toBe(false);
});

it('leaves the photo alone where the avatar is not', async () => {
  const data = await sharp(join(out, 'render.png')).raw().toBuffer();
  expect([...data.subarray(0, 3)]).toEqual([20, 200, 30]);
});

it('measures the finished texture and the texture code alone', () => {
  // The texture has the photo's colour, but for the borders of eyes and mouth; the model's albedo is 10 steps brighter.
  expect(report.image.psnrDb).toBeGreaterThan(30);
  expect(Math.abs(report.image.modelPsnrDb - 20 * Math.log10(255 / 10))).toBeLessThan(1.5);
});

it('reports what the contract lists', () => {
  expect(report).toMatchObject({
    model: model.manifest.id,
    preset: 'fast',
    seed: 7,
    steps: 8,
    start: { codes: 'encoder', expectedErrorMm: 2.5 },
    seconds: { total: 3, detect: 1, encode: 0, optimise: 1, finetune: 0, texture: 1, process: expect.any(Number) },
    peakRssBytes: expect.any(Number),
    image: { psnrDb: expect.any(Number), ssim: expect.any(Number), modelPsnrDb: expect.any(Number) },
    landmarks: { nme: null, projectedNme: expect.any(Number), points3d: expect.any(Array) },
    camera: { focalLengthPx: viewCamera(0, { size: 80 }).focalLengthPx, principalPointPx: [40, 40] },
  });
  expect(report.peakRssBytes).toBeGreaterThan(50e6);
  expect(report.camera.cameraFromWorld).toHaveLength(16);
  expect(report.lighting.map((row) => row.length)).toEqual(Array(9).fill(3));
  const { camera, lighting, start, landmarks } = report;
  expect(report.photos).toEqual([
    {
      image: { psnrDb: report.image.psnrDb, ssim: report.image.ssim },
      ...{ camera, lighting, start, landmarks: { projectedNme: landmarks.projectedNme } },
    },
    expect.objectContaining({ camera, lighting: lighting.map((row) => row.map((x) => x / 2)) }),
  ]);
  // Half as much light.
  expect(report.photos?.[1].image.psnrDb).toBeLessThan(report.image.psnrDb - 3);
  expect(report.landmarks.points3d.map((point) => point.length)).toEqual(Array(68).fill(3));
});

it('writes an avatar file that loads, and a GLB file', () => {
  const avatar = loadAvatar(new Uint8Array(readFileSync(join(out, 'avatar.safetensors'))), model.manifest);
  expect(avatar.albedo.data).toEqual(plain(20, 200, 30, 64).data);
  expect(readFileSync(join(out, 'avatar.glb')).subarray(0, 4).toString()).toBe('glTF');
});
