import { type FaceModel, viewCamera } from '@implicit-faces/avatar';
import type { Landmarker } from '@implicit-faces/landmarks';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  alignSimilarity,
  applySimilarity,
  FaceError,
  type InvertedAvatar,
  type InvertImageOptions,
  invertImage,
  invertImages,
  MOST_PHOTOS,
  type Preset,
} from '../src/index.js';
import { isSamePicture, type KnownFace, photographKnownFace } from './helpers/known-face.js';
import { hasShippedModel, loadShippedModel, loadTinyModel } from './helpers/models.js';

/** Minutes of arithmetic on a machine that may be doing other things. */
const TIMEOUT_MS = 600_000;

/** Finds in each photo what is true of it. */
function knowing(faces: readonly KnownFace[]): Landmarker {
  const of = (image: { data: unknown }) => faces.find(({ photo }) => photo.data === image.data)!.landmarker;
  return {
    detect: (image, options) => of(image).detect(image, options),
    track: (image, previous, options) => of(image).track(image, previous, options),
    mask: (image, options) => of(image).mask(image, options),
    dispose: async () => {},
  };
}

function photograph(model: FaceModel, size: number, yaw: number, expression: Record<string, number>) {
  return photographKnownFace(model, {
    camera: viewCamera(yaw, { size }),
    width: size,
    height: size,
    expression,
    // Not of every made-up face three photos say more: the encoder has seen none without hair.
    seed: 7,
  });
}

describe('invertImages', () => {
  let model: FaceModel;
  let faces: KnownFace[];
  let options: InvertImageOptions;
  beforeAll(async () => {
    model = await loadTinyModel();
    faces = [await photograph(model, 160, 5, {}), await photograph(model, 128, -30, {})];
    options = { ort, model, landmarks: knowing(faces), preset: 'fast' };
  });
  afterAll(() => model.dispose());

  it('gives of one photo what invertImage gives', async () => {
    const { inversion: a, ...one } = await invertImage(faces[0].photo, { ...options, preset: 'default' });
    const { inversion: b, ...many } = await invertImages([faces[0].photo], { ...options, preset: 'default' });
    expect(isSamePicture(one.albedo, many.albedo)).toBe(true);
    expect({ ...many, albedo: null }).toEqual({ ...one, albedo: null });
    expect(b.photos).toEqual(a.photos);
    expect(a.photos).toHaveLength(1);
  });

  it('says of each photo what was found in it, and leaves the avatar as the first shows it', async () => {
    const { inversion, ...avatar } = await invertImages([faces[1].photo, faces[0].photo], options);
    expect(inversion.photos.map(({ camera }) => camera.principalPointPx)).toEqual([
      [64, 64],
      [80, 80],
    ]);
    expect(inversion.photos.map(({ foreground }) => foreground.length)).toEqual([128 ** 2, 160 ** 2]);
    const { expressionCode, camera, lighting, landmarks } = inversion.photos[0];
    expect({ ...avatar }).toMatchObject({ expressionCode, camera, lighting });
    expect(inversion.landmarks).toBe(landmarks);
    expect(inversion.photos[1].expressionCode).not.toEqual(expressionCode);
  });

  it('believes what the camera says of its focal length', async () => {
    const { focalLengthPx } = faces[0].avatar.camera;
    for (const factor of [0.5, 1, 2]) {
      const photo = { ...faces[0].photo, focalLengthPx: factor * focalLengthPx };
      const { camera } = await invertImage(photo, options);
      expect(camera.focalLengthPx).toBeCloseTo(photo.focalLengthPx, 6);
      // The size of the face then says how far it is.
      expect(camera.cameraFromWorld[14] / faces[0].avatar.camera.cameraFromWorld[14] / factor).toBeCloseTo(1, 1);
    }
  });

  it.each([0, -1, Number.NaN])('refuses the focal length %f', async (focalLengthPx) => {
    await expect(invertImage({ ...faces[0].photo, focalLengthPx }, options)).rejects.toMatchObject({
      code: 'IMAGE',
      message: expect.stringMatching(/^invertImage: focalLengthPx should be a positive number/),
    });
  });

  it.each([0, MOST_PHOTOS + 1])('refuses %i photos', async (count) => {
    await expect(invertImages(new Array(count).fill(faces[0].photo), options)).rejects.toMatchObject({
      code: 'PHOTO_COUNT',
      message: expect.stringContaining(`received ${count}.`),
    });
  });

  it('names the photo that is none, and the one that shows no face', async () => {
    const photos = [faces[0].photo, faces[1].photo];
    await expect(invertImages([photos[0], { ...photos[1], width: 127 }], options)).rejects.toMatchObject({
      code: 'IMAGE',
      message: expect.stringMatching(/^invertImages: photo 2 of 2: /),
    });
    const nobody = new FaceError('NO_FACE', 'detect: found no face.');
    const landmarks: Landmarker = {
      ...options.landmarks,
      detect: (image, settings) =>
        image.width === 128 ? Promise.reject(nobody) : options.landmarks.detect(image, settings),
    };
    await expect(invertImages(photos, { ...options, landmarks })).rejects.toMatchObject({
      code: 'NO_FACE',
      message: 'invertImages: photo 2 of 2: detect: found no face.',
    });
  });

  it.each(['detect', 'encode', 'optimise', 'texture'])('stops when told to in the stage %s', async (wanted) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let after = 0;
    const stopped = invertImages([faces[0].photo, faces[1].photo], {
      ...options,
      signal: controller.signal,
      onProgress({ stage, fraction }) {
        if (controller.signal.aborted) after++;
        else if (stage === wanted && fraction > 0) controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
    expect(after).toBeLessThanOrEqual(1);
  });
});

describe.skipIf(!hasShippedModel)('three photos of a face of the shipped model', () => {
  let model: FaceModel;
  let faces: KnownFace[];
  beforeAll(async () => {
    model = await loadShippedModel();
    faces = [
      await photograph(model, 256, 8, { mouthSmile_L: 0.5, mouthSmile_R: 0.4 }),
      await photograph(model, 256, -35, { jawOpen: 0.15 }),
      await photograph(model, 256, 35, { browInnerUp_L: 0.5, browInnerUp_R: 0.5 }),
    ];
  }, TIMEOUT_MS);
  afterAll(() => model?.dispose());

  /** Root mean square of the skin's distances from the true neutral head after similarity alignment, millimetres. */
  async function neutralError({ geometryCode }: InvertedAvatar): Promise<number> {
    const neutral = (geometry: Float32Array) =>
      model.uv.surfaceFromUv(model.uv.topology.skin.uv, {
        geometry,
        expression: new Float32Array(model.manifest.codes.expression),
      });
    const [found, truth] = [await neutral(geometryCode), await neutral(faces[0].avatar.geometryCode)];
    const aligned = applySimilarity(alignSimilarity(found, truth), found);
    const squares = aligned.reduce((sum, v, i) => sum + (v - truth[i]) ** 2, 0);
    return 1000 * Math.sqrt(squares / (aligned.length / 3));
  }

  it.each(['fast', 'default'] as Preset[])(
    'tell more of the head than one, %s',
    async (preset) => {
      const options = { ort, model, landmarks: knowing(faces), preset };
      const one = await neutralError(await invertImage(faces[0].photo, options));
      const three = await neutralError(
        await invertImages(
          faces.map(({ photo }) => photo),
          options,
        ),
      );
      expect(three).toBeLessThan(one);
    },
    TIMEOUT_MS,
  );
});
