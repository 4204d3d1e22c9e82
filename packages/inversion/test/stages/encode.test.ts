import type { FaceModel, RgbaImage } from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepPose } from '../../src/pose.js';
import { encodeFace, loadMeanFace, type MeanFace, unwrapFace } from '../../src/stages/encode.js';
import { loadTinyModel } from '../helpers/models.js';

// The tiny model is a ball, and its encoder says what it was shown: see tiny_face_model.py.
let model: FaceModel;
let mean: MeanFace;
beforeAll(async () => {
  model = await loadTinyModel();
  mean = await loadMeanFace(model, 16);
});
afterAll(() => model.dispose());

/** Rotation, row-major, by a vector of radians. */
function turn(...vector: number[]): Float64Array {
  const upright = {
    rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
    translation: new Float64Array(3),
    focalLengthPx: 1,
    principalPointPx: [0, 0] as const,
  };
  return stepPose(upright, [...vector, 0, 0, 0, 0]).rotation;
}

/** Points turned and seen from far away: x right, y down, z away, around a place. */
function see(points: Float32Array, r: Float64Array, scale: number, [x, y]: number[]): Float32Array {
  return points.map((_, i) => {
    const [n, axis] = [i - (i % 3), i % 3];
    const turned = r[3 * axis] * points[n] + r[3 * axis + 1] * points[n + 1] + r[3 * axis + 2] * points[n + 2];
    return [x, y, 0][axis] + [1, -1, -1][axis] * scale * turned;
  });
}

describe('unwrapFace', () => {
  it.each([
    [0, 0, 0],
    [0.2, 0.5, 0],
    [-0.3, -0.4, 0.2],
  ])('finds each texel of the mean face where it is seen, turned by %f %f %f', (...vector) => {
    const r = turn(...vector);
    const size = 200;
    // A picture whose red and green are the place itself.
    const pixels = new Float32Array(3 * size * size);
    for (let i = 0; i < size * size; i++) {
      pixels.set([((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size, 0], 3 * i);
    }
    const { image, shape, rotation } = unwrapFace({ pixels, points: see(mean.landmarks, r, 4, [0.02, -0.03]) }, mean);
    const places = see(mean.places, r, 4, [0.02, -0.03]);
    const expected = Float32Array.from({ length: 2 * 16 * 16 }, (_, i) => places[3 * (i >> 1) + (i & 1)] + 0.5);
    const found = Float32Array.from(expected, (_, i) => image[4 * (i >> 1) + (i & 1)]);
    expect(found).toBeCloseToTensor(
      expected.map((x) => Math.min(1 - 0.5 / size, Math.max(0.5 / size, x))),
      1e-4,
    );
    expect(shape).toBeCloseToTensor(mean.landmarks, 1e-5);
    expect(rotation).toBeCloseToTensor(r, 1e-4);
  });

  it('knows what faces away: on a ball, by the place itself', () => {
    const r = turn(0, 0.9, 0);
    const { image } = unwrapFace(
      { pixels: new Float32Array(3 * 10 * 10), points: see(mean.landmarks, r, 4, [0, 0]) },
      mean,
    );
    for (let row = 2; row < 14; row++) {
      for (let column = 2; column < 14; column++) {
        const n = row * 16 + column;
        const d = [0, 1, 2].map((k) => mean.places[3 * n + k] / 0.1);
        const cosine = r[6] * d[0] + r[7] * d[1] + r[8] * d[2];
        const expected = Math.min(1, Math.max(0, (cosine - 0.05) / 0.3));
        expect(Math.abs(image[4 * n + 3] - expected)).toBeLessThan(0.12);
      }
    }
  });
});

describe('encodeFace', () => {
  const detected = () => see(mean.landmarks, turn(0.2, 0.4, 0), 500, [60, 50]);
  const plain = (red: number, green: number, blue: number): RgbaImage => {
    const data = new Uint8ClampedArray(4 * 120 * 100);
    for (let i = 0; i < data.length; i += 4) data.set([red, green, blue, 255], i);
    return { data, width: 120, height: 100 };
  };

  it('shows the picture, the landmarks turned upright and how they were turned', async () => {
    const encoded = await encodeFace(model, plain(51, 204, 102), detected());
    const [red, blue, x, turned] = encoded?.codes ?? [];
    expect([red, blue]).toBeCloseToTensor([0.2, 0.4], 1e-4);
    expect(x).toBeCloseTo(10 * mean.landmarks[3], 3);
    // Upright along the eyes: the turn within the picture is taken out, so it is not the rotation of the head.
    expect(Math.abs(turned)).toBeLessThan(1);
    expect(encoded?.expectedErrorMm).toBeCloseTo(3, 4);
  });

  it('keeps expression weights between 0 and 1', async () => {
    const encoded = await encodeFace(model, plain(0, 255, 0), detected());
    expect([...(encoded?.codes.slice(4) ?? [])]).toEqual([0.25, 1, 0]);
  });

  it('says nothing where the encoder does not trust itself, there is none, or the landmarks are no numbers', async () => {
    const noise = createRandom(1).uniforms(3 * 468, 10, 90);
    expect(await encodeFace(model, plain(255, 0, 0), detected())).toBeUndefined();
    expect(await encodeFace({ ...model, encoder: undefined }, plain(0, 255, 0), detected())).toBeUndefined();
    expect(await encodeFace(model, plain(0, 255, 0), noise.fill(Number.NaN, 4, 5))).toBeUndefined();
  });

  it('stops when told to', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(encodeFace(model, plain(0, 255, 0), detected(), { signal })).rejects.toBe(reason);
  });
});
