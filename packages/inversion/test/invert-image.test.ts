import { type EncodedFace, type FaceModel, viewCamera } from '@implicit-faces/avatar';
import type { Landmarker } from '@implicit-faces/landmarks';
import { createRandom } from '@implicit-faces/test-utils';
import type { UvModel } from '@implicit-faces/uv-param';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FaceError,
  type InvertImageOptions,
  invertImage,
  invertImages,
  PRESETS,
  type Progress,
  STAGES,
  type Stage,
} from '../src/index.js';
import { isSamePicture, type KnownFace, photographKnownFace } from './helpers/known-face.js';
import { loadTinyModel } from './helpers/models.js';

// The tiny model shows how things run; known-face.test.ts, how well.
let model: FaceModel;
let face: KnownFace;
let options: InvertImageOptions;
beforeAll(async () => {
  model = await loadTinyModel();
  face = await photographKnownFace(model, { camera: viewCamera(5, { size: 160 }), width: 160, height: 160, seed: 1 });
  options = { ort, model, landmarks: face.landmarker, preset: 'fast' };
});
afterAll(() => model.dispose());

describe('invertImage', () => {
  it('goes through its stages in order, with progress that never falls', async () => {
    const seen: Progress[] = [];
    const { inversion, ...avatar } = await invertImage(face.photo, {
      ...options,
      seed: 3,
      onProgress: (progress) => seen.push(progress),
    });
    const position = ({ stage, fraction }: Progress) => STAGES.indexOf(stage) + fraction;
    seen.forEach((progress, i) => {
      expect(progress.fraction).toBeGreaterThanOrEqual(0);
      expect(progress.fraction).toBeLessThanOrEqual(1);
      if (i > 0) expect(position(progress)).toBeGreaterThanOrEqual(position(seen[i - 1]));
    });
    expect([...new Set(seen.map(({ stage }) => stage))]).toEqual(['detect', 'encode', 'optimise', 'texture']);
    expect(seen.at(-1)).toEqual({ stage: 'texture', fraction: 1 });

    const { geometry, expression, texture } = model.manifest.codes;
    expect(avatar.modelId).toBe('tiny-face-model');
    expect([avatar.geometryCode.length, avatar.expressionCode.length, avatar.textureCode.length]).toEqual([
      geometry,
      expression,
      texture,
    ]);
    expect(avatar.lighting).toHaveLength(27);
    expect([avatar.albedo.width, avatar.albedo.height, avatar.albedo.data.length]).toEqual([1024, 1024, 4 * 1024 ** 2]);
    expect(avatar.camera.principalPointPx).toEqual([80, 80]);

    expect(inversion).toMatchObject({ preset: 'fast', seed: 3, steps: PRESETS.fast.landmarkSteps });
    expect(inversion.landmarks).toHaveLength(468 * 3);
    expect(inversion.foreground).toHaveLength(160 * 160);
    const { total, ...stages } = inversion.seconds;
    expect(Object.keys(stages).sort()).toEqual([...STAGES].sort());
    expect(Object.values(stages).reduce((sum, s) => sum + s, 0)).toBeCloseTo(total, 1);
  });

  it('starts from the encoder where it trusts itself, else from the mean face', async () => {
    // The tiny model's encoder trusts pictures that are mostly green.
    const tinted = (gains: number[]) => ({
      ...face.photo,
      data: face.photo.data.map((value, i) => value * (gains[i % 4] ?? 1)),
    });
    const [green, red] = [
      await invertImage(tinted([0.3, 1, 0.3]), options),
      await invertImage(tinted([1, 0.3, 0.3]), options),
    ];
    expect(green.inversion).toMatchObject({ start: 'encoder', expectedErrorMm: expect.closeTo(3, 4) });
    expect(red.inversion).toMatchObject({ start: 'landmarks', expectedErrorMm: undefined });
    expect(green.expressionCode).not.toEqual(red.expressionCode);
  });

  it('gives the same avatar for the same seed, also a negative one', async () => {
    const settings = { ...options, preset: 'default', seed: -2 } as const;
    const [{ inversion: a, ...first }, { inversion: b, ...second }] = [
      await invertImage(face.photo, settings),
      await invertImage(face.photo, settings),
    ];
    expect(isSamePicture(first.albedo, second.albedo)).toBe(true);
    expect({ ...second, albedo: null }).toEqual({ ...first, albedo: null });
    expect(b.steps).toBe(a.steps);
    expect(a.steps).toBe(PRESETS.default.landmarkSteps + PRESETS.default.photoSteps.reduce((sum, n) => sum + n, 0));
  });

  describe('stops when told to,', () => {
    /** Runs until progress number `at` and aborts then; says what was told and begun from there on. */
    async function abortAt(at: number, more: Partial<InvertImageOptions> = {}) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const seen: Progress[] = [];
      face.landmarker.calls.length = 0;
      let calls = 0;
      const stopped = invertImage(face.photo, {
        ...options,
        ...more,
        signal: controller.signal,
        onProgress(progress) {
          if (seen.push(progress) - 1 !== at) return;
          calls = face.landmarker.calls.length;
          controller.abort(reason);
        },
      });
      await expect(stopped).rejects.toBe(reason);
      const told = seen.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(seen).toHaveLength(told);
      return { before: seen[at], after: seen.slice(at + 1), begun: face.landmarker.calls.slice(calls) };
    }

    it('as each stage begins, goes on and ends, and begins nothing more', async () => {
      // The first photo asks the networks for what later ones know.
      await invertImage(face.photo, options);
      const all: Progress[] = [];
      await invertImage(face.photo, { ...options, onProgress: (progress) => all.push(progress) });
      const places = ['detect', 'encode', 'optimise', 'texture'].flatMap((stage) => {
        const own = [...all.keys()].filter((i) => all[i].stage === stage);
        return [...new Set([own[0], own[1], own.at(-1)!])];
      });
      expect(places.length).toBe(11);
      for (const at of places) {
        const progress = all[at];
        const { before, after, begun } = await abortAt(at);
        expect(before).toEqual(progress);
        // The arithmetic that ran is told of, if at all; no other stage is, and nothing else is detected.
        expect(after.length).toBeLessThanOrEqual(1);
        expect(after.every(({ stage }) => stage === progress.stage)).toBe(true);
        expect(begun.length).toBeLessThanOrEqual(1);
      }
    }, 120_000);

    it('also between the steps on pixels', async () => {
      const { photoSteps, landmarkSteps } = PRESETS.default;
      const steps = photoSteps.reduce((sum, n) => sum + n, landmarkSteps);
      const { before, after } = await abortAt(steps, { preset: 'default' });
      expect(before.stage).toBe('optimise');
      expect(before.fraction).toBeGreaterThan(0.6);
      expect(after.length).toBeLessThanOrEqual(1);
    });
  });

  it('does nothing when aborted before', async () => {
    face.landmarker.calls.length = 0;
    const reason = new Error('never mind');
    await expect(invertImage(face.photo, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(face.landmarker.calls).toEqual([]);
  });

  it.each([
    { name: 'too few bytes', change: { data: new Uint8ClampedArray(4) } },
    { name: 'RGB', change: { data: new Uint8ClampedArray(3 * 160 * 160) } },
    { name: 'a width that is no integer', change: { width: 159.5 } },
    { name: 'NaN pixels', change: { data: new Float32Array(4 * 160 * 160).fill(Number.NaN) as never } },
    { name: 'pixels from 0 to 1', change: { data: new Array(4 * 160 * 160).fill(0.5) as never } },
    { name: 'no pixels', change: { data: new Uint8ClampedArray(0), width: 0, height: 0 } },
  ])('refuses data that are no picture: $name', async ({ change }) => {
    await expect(invertImage({ ...face.photo, ...change }, options)).rejects.toMatchObject({
      name: 'FaceError',
      code: 'IMAGE',
      message: expect.stringMatching(
        /^invertImage: image should hold width x height RGBA bytes; received (\w+ of )?\d+ for /,
      ),
    });
  });

  it.each(['slow', 'toString', ''])('refuses the preset "%s"', async (preset) => {
    await expect(invertImage(face.photo, { ...options, preset: preset as never })).rejects.toMatchObject({
      code: 'OPTION',
      message: `invertImage: preset should be one of fast, default, best; received ${preset}.`,
    });
  });

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses the seed %f', async (seed) => {
    await expect(invertImage(face.photo, { ...options, seed })).rejects.toMatchObject({
      code: 'OPTION',
      message: `invertImage: seed should be an integer; received ${seed}.`,
    });
  });

  it('refuses a face that is turned too far for landmarks, with its number among several photos', async () => {
    const turned = async (yaw: number) => {
      const camera = viewCamera(yaw, { size: 160 });
      return photographKnownFace(model, { camera, width: 160, height: 160, seed: 1 });
    };
    const { photo, landmarker: landmarks } = await turned(66);
    const refusal = /the face is turned from the camera by \d\d degrees or more; .* both eyes\.$/;
    await expect(invertImage(photo, { ...options, landmarks })).rejects.toMatchObject({
      code: 'TURNED_AWAY',
      message: expect.stringMatching(refusal),
    });
    const front = await turned(52);
    let calls = 0;
    const detect: Landmarker['detect'] = (...args) => (calls++ ? landmarks : front.landmarker).detect(...args);
    const both = invertImages([front.photo, photo], { ...options, landmarks: { ...landmarks, detect } });
    await expect(both).rejects.toThrow(/^invertImages: photo 2 of 2: .*turned/);
  });

  it('passes on what the landmarker says of the picture and of the face that was asked for', async () => {
    const asked: unknown[] = [];
    const error = new FaceError('FACE_INDEX', 'detect: index should be 0.');
    const landmarks = {
      ...face.landmarker,
      async detect(_: unknown, settings?: { index?: number }): Promise<never> {
        asked.push(settings?.index);
        throw error;
      },
    };
    await expect(invertImage(face.photo, { ...options, landmarks, faceIndex: 2 })).rejects.toBe(error);
    await expect(invertImage(face.photo, { ...options, landmarks })).rejects.toBe(error);
    expect(asked).toEqual([2, 0]);
  });

  describe('stops at NaN, with the name of the stage:', () => {
    /** An answer of the networks with one number spoilt. */
    const spoil = <T extends Float32Array>(values: T): T => values.fill(Number.NaN, 4, 5) as T;
    /** The model with one method of its `uv` whose answers `change` spoils, from call number `from` on. */
    function poisoned<K extends 'surfaceJacobian' | 'densityBasis' | 'albedo' | 'surfaceFromUv'>(
      method: K,
      change: (answer: Awaited<ReturnType<UvModel[K]>>) => void,
      from = 0,
    ): FaceModel {
      let calls = 0;
      const original = model.uv[method] as (...args: unknown[]) => Promise<never>;
      const replaced = async (...args: unknown[]) => {
        const answer = await original(...args);
        if (calls++ >= from) change(answer);
        return answer;
      };
      return { ...model, uv: { ...model.uv, [method]: replaced } };
    }
    const encoder = (change: (answer: EncodedFace) => Partial<EncodedFace>): FaceModel => ({
      ...model,
      encoder: {
        ...model.encoder!,
        async encode(input) {
          const answer = await model.encoder!.encode(input);
          return { ...answer, ...change(answer) };
        },
      },
    });
    const detector = (change: Partial<Landmarker>) => ({ ...face.landmarker, ...change });

    it.each<[Stage, string, () => Partial<InvertImageOptions>]>([
      [
        'detect',
        'the landmarks',
        () => ({
          landmarks: detector({
            async detect(image) {
              const found = await face.landmarker.detect(image);
              return { ...found, points: spoil(found.points) };
            },
          }),
        }),
      ],
      [
        'detect',
        'mask',
        () => ({ landmarks: detector({ mask: () => Promise.reject(new FaceError('NOT_FINITE', 'mask: NaN.')) }) }),
      ],
      [
        'encode',
        "the encoder's codes",
        () => ({ model: encoder(({ geometry }) => ({ geometry: geometry.map(() => Number.NaN) })) }),
      ],
      ['encode', 'the error that it expects', () => ({ model: encoder(() => ({ expectedErrorMm: Number.NaN })) })],
      ['optimise', 'the mean face', () => ({ model: poisoned('surfaceJacobian', ({ points }) => spoil(points)) })],
      [
        'optimise',
        "the surface's Jacobian",
        () => ({ model: poisoned('surfaceJacobian', ({ jacobian }) => spoil(jacobian)) }),
      ],
      [
        'optimise',
        'the albedo of the samples',
        () => ({ model: poisoned('densityBasis', ({ density }) => spoil(density)) }),
      ],
      ['optimise', 'by texture code', () => ({ model: poisoned('densityBasis', ({ basis }) => spoil(basis)) })],
      ['texture', "the model's albedo", () => ({ model: poisoned('albedo', spoil) })],
      ['texture', "the scalp's albedo", () => ({ model: poisoned('albedo', spoil, 1) })],
      // The encoder asks for the mean face first.
      ['optimise', "the skin's vertices", () => ({ model: poisoned('surfaceFromUv', spoil, 1) })],
      // With steps on pixels the vertices come from the Jacobian until the texture needs them.
      [
        'texture',
        'the mesh of skin',
        () => ({ model: poisoned('surfaceFromUv', spoil, 1), settings: { photoSteps: [1] } }),
      ],
    ])('%s, %s', async (stage, what, change) => {
      const seen: Progress[] = [];
      const settings = { ...options, ...change(), onProgress: (progress: Progress) => seen.push(progress) };
      await expect(invertImage(face.photo, settings)).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: expect.stringMatching(
          new RegExp(`^invertImage: the stage ${stage} left the finite numbers: .*${what}.*NaN.* Try`),
        ),
      });
      expect(seen.at(-1)?.stage).toBe(stage);
    });
  });

  it('finds no face in noise', async () => {
    const { loadLandmarker } = await import('@implicit-faces/landmarks');
    const { modelFiles } = await import('@implicit-faces/landmarks/node');
    const landmarks = await loadLandmarker({ ort, files: modelFiles() });
    const random = createRandom(5);
    const noise = {
      data: Uint8ClampedArray.from({ length: 4 * 128 * 128 }, () => random.integer(256)),
      width: 128,
      height: 128,
    };
    await expect(invertImage(noise, { ...options, landmarks })).rejects.toMatchObject({ code: 'NO_FACE' });
    await landmarks.dispose();
  });
});
