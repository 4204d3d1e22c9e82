import { type Avatar, avatarMeshes, type FaceModel, projectPoints, viewCamera } from '@implicit-faces/avatar';
import { FaceError, type Landmarker } from '@implicit-faces/landmarks';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTracker, expressionTrack, trackVideo } from '../src/index.js';
import { hasShippedModel, loadShippedModel } from './helpers/models.js';

const SIZE = 64;
const FPS = 30;
/** A picture is only passed on: the landmarker of these tests knows where the points are. */
const frameAt = (index: number) => ({
  data: new Uint8ClampedArray(4 * SIZE * SIZE),
  width: SIZE,
  height: SIZE,
  time: index / FPS,
});

describe.skipIf(!hasShippedModel)('a clip of a known face', () => {
  let model: FaceModel;
  let avatar: Avatar;
  beforeAll(async () => {
    model = await loadShippedModel();
    const random = createRandom(7);
    const { codes, id } = model.manifest;
    avatar = {
      modelId: id,
      geometryCode: Float32Array.from({ length: codes.geometry }, () => 0.7 * random.normal()),
      expressionCode: new Float32Array(codes.expression),
      textureCode: new Float32Array(codes.texture),
      albedo: { data: new Uint8ClampedArray(4), width: 1, height: 1 },
      camera: viewCamera(0, { size: SIZE }),
      lighting: new Float32Array(27),
    };
  }, 120_000);
  afterAll(() => model?.dispose());

  /** What is true of each frame: a smile that comes while the jaw opens and the head turns. */
  const truth = (index: number) => ({
    weights: { mouthSmileLeft: 0.05 * index, mouthSmileRight: 0.05 * index, jawOpen: 0.03 * index },
    yaw: index,
  });
  const expressionOf = (weights: Record<string, number>) => {
    const { matrix } = model.uv.topology.rig;
    const { arkitNames, codes } = model.manifest;
    return Float32Array.from({ length: codes.expression }, (_, row) =>
      arkitNames.reduce((sum, name, k) => sum + matrix[row * arkitNames.length + k] * (weights[name] ?? 0), 0),
    );
  };

  /** Finds the true points, `noise` pixels off; nobody in frames of `without`. */
  async function landmarkerOf(count: number, { still = false, noise = 0, without = [] as number[] } = {}) {
    const random = createRandom(3);
    const calls: string[] = [];
    const frames: Float32Array[] = [];
    for (let i = 0; i < count; i++) {
      const { weights, yaw } = truth(still ? 10 : i);
      const codes = { geometry: avatar.geometryCode, expression: expressionOf(weights) };
      const camera = viewCamera(yaw, { size: SIZE });
      const points = projectPoints(camera, await model.uv.surfaceFromUv(model.uv.topology.landmarks[468], codes));
      const middle = points.reduce((sum, v, k) => (k % 3 === 2 ? sum + v / 468 : sum), 0);
      frames.push(
        points.map(
          (v, k) => (k % 3 === 2 ? ((v - middle) * camera.focalLengthPx) / middle : v) + noise * random.normal(),
        ),
      );
    }
    let at = -1;
    const see = (name: string) => {
      calls.push(name);
      return without.includes(at) ? undefined : { points: frames[at], score: 0.9 };
    };
    const landmarker: Landmarker = {
      async detect() {
        const seen = see('detect');
        if (!seen) throw new FaceError('NO_FACE', 'detect: no face.');
        return { ...seen, box: { x: 0, y: 0, width: SIZE, height: SIZE }, faceCount: 1 };
      },
      async track() {
        return see('track');
      },
      mask: () => Promise.reject(new Error('not asked for')),
      dispose: async () => {},
    };
    async function* clip() {
      for (at = 0; at < count; at++) yield frameAt(at);
    }
    return { landmarks: landmarker, clip, calls };
  }

  it('is followed: smile, jaw and turn of the head', async () => {
    const { landmarks, clip, calls } = await landmarkerOf(16);
    const seen: number[] = [];
    const frames = await trackVideo(clip(), {
      avatar,
      ort,
      model,
      landmarks,
      smoothing: false,
      onProgress: (done) => seen.push(done),
    });
    expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(calls).toEqual(['detect', ...Array(15).fill('track')]);
    for (const [i, { weights, confidence, landmarkError, head, camera }] of frames.entries()) {
      const { yaw, weights: expected } = truth(i);
      expect(confidence).toBeCloseTo(0.9);
      expect(landmarkError).toBeLessThan(0.004);
      expect(Math.abs(weights.jawOpen - expected.jawOpen)).toBeLessThan(0.06);
      expect(Math.abs(weights.mouthSmileLeft - expected.mouthSmileLeft)).toBeLessThan(0.15);
      const turned = (2 * Math.atan2(head.rotation[1], head.rotation[3]) * 180) / Math.PI;
      expect(Math.abs(turned - yaw)).toBeLessThan(1);
      expect(camera.focalLengthPx).toBe(frames[0].camera.focalLengthPx);
    }
    const track = expressionTrack(frames);
    expect([track.times.length, track.frames.length, track.rotations.length]).toEqual([16, 16, 64]);
  });

  it('drives the avatar of somebody else', async () => {
    const { landmarks, clip } = await landmarkerOf(16);
    const frames = await trackVideo(clip(), { avatar, ort, model, landmarks, smoothing: false });
    const other = { ...avatar, geometryCode: avatar.geometryCode.map((c) => -c) };
    const skin = async (expression: Float32Array) => (await avatarMeshes(model, other, { expression }))[0].positions;
    const rest = await skin(new Float32Array(avatar.expressionCode.length));
    const [received, expected] = [await skin(frames[15].codes.expression), await skin(expressionOf(truth(15).weights))];
    const distance = (a: Float32Array, b: Float32Array) =>
      Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / (a.length / 3));
    expect(distance(received, expected)).toBeLessThan(0.25 * distance(rest, expected));
  });

  it('is steadier smoothed than frame by frame, when it keeps still (seed 3)', async () => {
    const settings = { still: true, noise: 0.1 };
    const jitter = async (smoothing?: false) => {
      const { landmarks, clip } = await landmarkerOf(24, settings);
      const frames = (await trackVideo(clip(), { avatar, ort, model, landmarks, smoothing })).slice(6);
      const jaw = frames.map(({ weights }) => weights.jawOpen);
      const mean = jaw.reduce((a, b) => a + b, 0) / jaw.length;
      return Math.sqrt(jaw.reduce((sum, v) => sum + (v - mean) ** 2, 0) / jaw.length);
    };
    expect(await jitter()).toBeLessThan(0.6 * (await jitter(false)));
  });

  it('keeps the last pose while the face is away, and finds it again', async () => {
    const { landmarks, clip, calls } = await landmarkerOf(8, { without: [0, 4, 5] });
    const frames = await trackVideo(clip(), { avatar, ort, model, landmarks });
    expect(frames.map(({ confidence }) => confidence > 0)).toEqual([false, true, true, true, false, false, true, true]);
    expect(Object.values(frames[0].weights)).toEqual(Array(52).fill(0));
    expect(frames[5]).toMatchObject({ weights: frames[3].weights, head: frames[3].head, codes: frames[3].codes });
    expect(frames[5].landmarks).toBeUndefined();
    expect(calls).toEqual([...['detect', 'detect', 'track', 'track', 'track', 'detect', 'detect', 'detect'], 'track']);
  });

  it('stops when told to, and lets go of the clip', async () => {
    const { landmarks, clip } = await landmarkerOf(6);
    const [controller, reason] = [new AbortController(), new Error('enough')];
    let isOpen = true;
    async function* watched() {
      try {
        yield* clip();
      } finally {
        isOpen = false;
      }
    }
    const seen: number[] = [];
    const onProgress = (done: number) => {
      seen.push(done);
      if (done === 2) controller.abort(reason);
    };
    const options = { avatar, ort, model, landmarks, signal: controller.signal, onProgress };
    await expect(trackVideo(watched(), options)).rejects.toBe(reason);
    expect([isOpen, seen]).toEqual([false, [1, 2]]);
  });

  it('refuses what makes no sense', async () => {
    const { landmarks } = await landmarkerOf(1);
    const options = { ort, model, landmarks };
    await expect(createTracker({ ...avatar, modelId: 'another' }, options)).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
    });
    await expect(createTracker(avatar, { ...options, focalLengthPx: -1 })).rejects.toMatchObject({ code: 'OPTION' });
    const tracker = await createTracker(avatar, options);
    await expect(tracker.track({ ...frameAt(0), width: 3 })).rejects.toMatchObject({ code: 'IMAGE' });
    await expect(tracker.track({ ...frameAt(0), time: Number.NaN })).rejects.toMatchObject({ code: 'OPTION' });
    expect(await trackVideo([], { ...options, avatar })).toEqual([]);
  });

  it('calls numbers that are none a lost face', async () => {
    const { landmarks } = await landmarkerOf(1);
    const points = new Float32Array(1404).fill(Number.NaN);
    const broken = { ...landmarks, detect: async () => ({ points, score: 1, faceCount: 1 }) } as unknown as Landmarker;
    const tracker = await createTracker(avatar, { ort, model, landmarks: broken });
    expect(await tracker.track(frameAt(0))).toMatchObject({ confidence: 0 });
  });
});
