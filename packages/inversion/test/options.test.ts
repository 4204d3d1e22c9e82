import { type FaceModel, viewCamera } from '@implicit-faces/avatar';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFace, type InvertImageOptions, invertImage, POSE_STEPS } from '../src/index.js';
import { type KnownFace, photographKnownFace } from './helpers/known-face.js';
import { loadTinyModel } from './helpers/models.js';

let model: FaceModel;
let face: KnownFace;
let options: InvertImageOptions;
beforeAll(async () => {
  model = await loadTinyModel();
  face = await photographKnownFace(model, { camera: viewCamera(5, { size: 160 }), width: 160, height: 160, seed: 1 });
  // The tiny model's encoder trusts pictures that are mostly green.
  const data = face.photo.data.map((value, i) => value * [0.3, 1, 0.3, 1][i % 4]);
  face = { ...face, photo: { ...face.photo, data } };
  const settings = { textureSize: 256, albedoSize: 256, samples: 300 } as const;
  options = { ort, model, landmarks: face.landmarker, settings };
});
afterAll(() => model.dispose());

const withSettings = (settings: InvertImageOptions['settings']) => ({
  ...options,
  settings: { ...options.settings, ...settings },
});

describe('options of invertImage', () => {
  it('settings take the place of the preset’s', async () => {
    const { albedo, inversion } = await invertImage(
      face.photo,
      withSettings({ textureSize: 512, landmarkSteps: 5, photoSteps: [1, 2] }),
    );
    expect([albedo.width, inversion.steps, inversion.preset]).toEqual([512, 8, 'default']);
  });

  it('what is undefined is as if it were absent', async () => {
    const { inversion } = await invertImage(face.photo, {
      ...withSettings({ landmarkSteps: undefined, photoSteps: [] }),
      ...{ preset: undefined, seed: undefined, losses: { landmarks: undefined } },
    });
    expect(inversion).toMatchObject({ preset: 'default', seed: 0, steps: 12 });
  });

  it('without steps of the codes they are what the encoder says', async () => {
    const { geometryCode, expressionCode } = await invertImage(
      face.photo,
      withSettings({ landmarkSteps: POSE_STEPS, photoSteps: [] }),
    );
    const { points } = await face.landmarker.detect(face.photo);
    const encoded = await encodeFace(model, face.photo, points);
    expect(Math.hypot(...geometryCode)).toBeGreaterThan(0.01);
    expect([...geometryCode, ...expressionCode]).toBeCloseToTensor(encoded!.codes, 1e-6);
  });

  it('without the encoder they start at the mean face', async () => {
    const settings = withSettings({ landmarkSteps: POSE_STEPS, photoSteps: [] });
    const { geometryCode, inversion } = await invertImage(face.photo, { ...settings, encoder: false });
    expect(inversion.start).toBe('landmarks');
    expect(geometryCode.every((code) => code === 0)).toBe(true);
  });

  // The tiny model's codes move it as a whole, which cameras can do as well: what losses do shows in both together.
  it('each loss moves the face before the camera, and none at all leaves it where it starts', async () => {
    const none = { landmarks: 0, photo: 0, silhouette: 0 };
    const find = async (losses: InvertImageOptions['losses']) => {
      const quick = withSettings({ landmarkSteps: 5, photoSteps: [1] });
      return invertImage(face.photo, { ...quick, encoder: false, losses: { ...none, ...losses } });
    };
    const start = await find({});
    expect(Math.hypot(...start.geometryCode)).toBeLessThan(1e-6);
    const moved = async (losses: InvertImageOptions['losses']) => {
      const { camera } = await find(losses);
      return Math.hypot(...[12, 13, 14].map((k) => camera.cameraFromWorld[k] - start.camera.cameraFromWorld[k]));
    };
    const [landmarks, photo] = [await moved({ landmarks: 1 }), await moved({ photo: 1 })];
    expect(landmarks).toBeGreaterThan(1e-3);
    expect(photo).toBeGreaterThan(1e-5);
    expect(Math.abs(photo - landmarks)).toBeGreaterThan(1e-5);
  });

  it.each([0, 1] as const)('light of order %i has no coefficients beyond', async (lightOrder) => {
    const { lighting } = await invertImage(face.photo, { ...withSettings({ photoSteps: [1] }), lightOrder });
    const count = 3 * (lightOrder + 1) ** 2;
    expect([...lighting.subarray(0, count)].every((c) => c !== 0)).toBe(true);
    expect([...lighting.subarray(count)].every((c) => c === 0)).toBe(true);
  });

  it.each([
    [{ lightOrder: 3 as never }, 'lightOrder should be 0, 1 or 2; received 3.'],
    [{ losses: { photo: -1 } }, 'losses.photo should be a number of 0 or more; received -1.'],
    [{ losses: { landmarks: Number.NaN } }, 'losses.landmarks should be a number of 0 or more; received NaN.'],
    [{ settings: { landmarkSteps: 0.5 } }, 'settings.landmarkSteps should be a whole number; received 0.5.'],
    [
      { settings: { photoSteps: [1, 1, 1, 1] } },
      'settings.photoSteps should be at most 3 whole numbers; received 1,1,1,1.',
    ],
    [{ settings: { samples: 0 } }, 'settings.samples should be a whole number above 0; received 0.'],
    [{ settings: { textureSize: 1000 } }, 'settings.textureSize should be a power of two, 256 to 4096; received 1000.'],
    [
      { settings: { albedoSize: 2048 } },
      'settings.albedoSize should be no more than textureSize, 1024; received 2048.',
    ],
  ])('refuses %o', async (bad, message) => {
    await expect(invertImage(face.photo, { ...options, settings: {}, ...bad })).rejects.toMatchObject({
      code: 'OPTION',
      message: `invertImage: ${message}`,
    });
  });
});
