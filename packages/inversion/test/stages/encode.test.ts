import {
  type AnsweredFace,
  ENCODER_MARGIN,
  type EncoderInput,
  type FaceModel,
  type RgbaImage,
} from '@implicit-faces/avatar';
import { cropFace } from '@implicit-faces/landmarks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepPose } from '../../src/pose.js';
import { encodeFace } from '../../src/stages/encode.js';
import { loadTinyModel } from '../helpers/models.js';

// The tiny model's encoder says what it was shown: see tiny_face_model.py.
let model: FaceModel;
/** `[468, 3]` the mean face's landmarks, metres. */
let mean: Float32Array;
/** What was last given to the encoder. */
let shown: EncoderInput;
beforeAll(async () => {
  const loaded = await loadTinyModel();
  const encoder = loaded.encoder!;
  model = {
    ...loaded,
    encoder: {
      ...encoder,
      encode(input, options) {
        shown = input;
        return encoder.encode(input, options);
      },
    },
  };
  const { geometry, expression } = model.manifest.codes;
  mean = await model.uv.surfaceFromUv(model.uv.topology.landmarks[468], {
    geometry: new Float32Array(geometry),
    expression: new Float32Array(expression),
  });
});
afterAll(() => model.dispose());

/** The mean face turned about the head's axes (radians) and seen from far away at 500 pixels per metre around (60, 50): x right, y down, z away. */
function see(...vector: number[]): Float32Array {
  const upright = {
    rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
    translation: new Float64Array(3),
    focalLengthPx: 1,
    principalPointPx: [0, 0] as const,
  };
  const { rotation: r } = stepPose(upright, [...vector, 0, 0, 0, 0]);
  return mean.map((_, i) => {
    const [n, axis] = [i - (i % 3), i % 3];
    const turned = r[3 * axis] * mean[n] + r[3 * axis + 1] * mean[n + 1] + r[3 * axis + 2] * mean[n + 2];
    return [60, 50, 0][axis] + [1, -1, -1][axis] * 500 * turned;
  });
}

function plain(red: number, green: number, blue: number): RgbaImage {
  const data = new Uint8ClampedArray(4 * 120 * 100);
  for (let i = 0; i < data.length; i += 4) data.set([red, green, blue, 255], i);
  return { data, width: 120, height: 100 };
}

describe('encodeFace', () => {
  it.each([
    [0, 0, 0],
    [0.2, 0.4, -0.3],
    [-0.3, -0.5, 2],
  ])('places the mean face on the landmarks in the window, turned by %f %f %f', async (...vector) => {
    const detected = see(...vector);
    await encodeFace(model, plain(0, 255, 0), detected);
    const { shape, placement } = shown;
    expect(shape).toBeCloseToTensor(mean, 1e-5);
    const placed = mean.map((_, i) => {
      const [n, row] = [i - (i % 3), 4 * (i % 3)];
      return (
        placement[row] * mean[n] +
        placement[row + 1] * mean[n + 1] +
        placement[row + 2] * mean[n + 2] +
        placement[row + 3]
      );
    });
    // The landmarks' bounds are centred in the window, and the longer side of them is the window's over the margin.
    const bounds = [0, 1].map((axis) => {
      const values = placed.filter((_, i) => i % 3 === axis);
      return [Math.min(...values), Math.max(...values)];
    });
    for (const [low, high] of bounds) expect(low + high).toBeCloseTo(0, 5);
    expect(Math.max(...bounds.map(([low, high]) => high - low))).toBeCloseTo(1 / 1.3, 5);
    // A similarity: rows of one length, at right angles, right-handed; and nearer places are nearer to the viewer.
    const [a, b, c] = [0, 4, 8].map((row) => placement.subarray(row, row + 3));
    const dot = (p: Float32Array, q: Float32Array) => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
    const scale = Math.sqrt(dot(a, a));
    expect([dot(b, b), dot(c, c), dot(a, b), dot(b, c), dot(c, a)]).toBeCloseToTensor(
      [scale ** 2, scale ** 2, 0, 0, 0],
      1e-4 * scale ** 2,
    );
    expect((a[0] * b[1] - a[1] * b[0]) * c[2]).toBeGreaterThan(0);
  });

  it('hands on what the encoder says', async () => {
    const encoded = await encodeFace(model, plain(51, 204, 102), see(0.1, 0.2, 0));
    expect(encoded?.codes.slice(0, 4)).toBeCloseToTensor([0.2, 0.4, 10 * mean[3], shown.placement[1]], 1e-4);
    // Weights of an expression stay between 0 and 1.
    expect([...(encoded?.codes.slice(4) ?? [])]).toEqual([0.25, 1, 0]);
    expect(encoded?.expectedErrorMm).toBeCloseTo(3, 4);
  });

  it('shows its second look what is left between the landmarks and the face that the first one answered', async () => {
    const { landmarks } = model.uv.topology;
    const grid = landmarks[468].slice(0, 2 * 9);
    const asked: { input: EncoderInput; answered: AnsweredFace }[] = [];
    const refining: FaceModel = {
      ...model,
      uv: { ...model.uv, topology: { ...model.uv.topology, encoder: { landmarks: landmarks[468], grid } } },
      encoder: {
        ...model.encoder!,
        async refine(input, answered) {
          asked.push({ input, answered });
          return { ...answered, geometry: answered.geometry.map((code) => code + 1), expectedErrorMm: 2 };
        },
      },
    };
    const image = plain(51, 204, 102);
    const detected = see(0.1, 0.2, 0).map((value, i) => (i === 0 ? value + 8 : value));
    const first = await encodeFace(model, image, detected);
    const codes = {
      geometry: Float32Array.from(first!.codes.slice(0, 4)),
      expression: Float32Array.from(first!.codes.slice(4)),
    };
    const face = await model.uv.surfaceFromUv(landmarks[468], codes);
    const second = await encodeFace(refining, image, detected);
    expect(second?.codes).toBeCloseToTensor(
      first!.codes.map((code, k) => (k < 4 ? code + 1 : code)),
      1e-6,
    );
    expect(second?.expectedErrorMm).toBe(2);
    const { placement, shape } = asked[0].input;
    const { answered } = asked[0];
    expect(answered.geometry).toEqual(codes.geometry);
    expect(answered.offsets).toBeCloseToTensor(
      face.slice(0, 27).map((value, i) => value - mean[i]),
      1e-6,
    );
    // The picture's landmarks lie where the similarity takes the answered face's, but for what the shape says, which no other similarity would lessen.
    expect(Math.abs(shape[0])).toBeGreaterThan(0.01);
    const residual = [0, 1, 2].map((axis) => shape.reduce((sum, value, i) => (i % 3 === axis ? sum + value : sum), 0));
    expect(residual).toBeCloseToTensor([0, 0, 0], 1e-4);
    const placed = (n: number, row: number) =>
      [0, 1, 2].reduce((sum, k) => sum + placement[4 * row + k] * face[3 * n + k], placement[4 * row + 3]);
    const seen = cropFace(image, detected, { side: model.encoder!.side, margin: ENCODER_MARGIN }).points;
    const scale = Math.hypot(placement[0], placement[1], placement[2]);
    for (const n of [0, 100, 467]) {
      const off = Math.hypot(...[0, 1, 2].map((row) => placed(n, row) - [1, -1, -1][row] * seen[3 * n + row]));
      expect(off / scale).toBeCloseTo(Math.hypot(...shape.subarray(3 * n, 3 * n + 3)), 2);
    }
  });

  it('says nothing where the encoder does not trust itself, there is none, or the landmarks are no numbers', async () => {
    expect(await encodeFace(model, plain(255, 0, 0), see(0, 0, 0))).toBeUndefined();
    expect(await encodeFace({ ...model, encoder: undefined }, plain(0, 255, 0), see(0, 0, 0))).toBeUndefined();
    expect(await encodeFace(model, plain(0, 255, 0), see(0, 0, 0).fill(Number.NaN, 4, 5))).toBeUndefined();
  });

  it('stops when told to', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(encodeFace(model, plain(0, 255, 0), see(0, 0, 0), { signal })).rejects.toBe(reason);
  });
});
