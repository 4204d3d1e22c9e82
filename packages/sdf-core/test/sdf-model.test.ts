import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Codes, isFaceError, loadSdfModel, type SdfModel } from '../src/index.js';
import { readTinyManifest, tinyFiles } from './tiny-model.js';

const manifest = await readTinyManifest();
const random = createRandom(5);
const codes: Codes = { geometry: random.uniforms(4, -1, 1), expression: random.uniforms(3) };
let model: SdfModel;
beforeAll(async () => {
  model = await loadSdfModel({ ort, files: tinyFiles, manifest });
});
afterAll(() => model.dispose());

describe('the tiny model', () => {
  const points = random.uniforms(3 * 200, -0.15, 0.15);

  it('is negative inside and positive outside, also over several batches', async () => {
    const many = random.uniforms(3 * 40000, -0.15, 0.15);
    const out = new Float32Array(40000);
    expect(await model.evaluate(many, codes, out)).toBe(out);
    const canonical = await model.canonical(many, codes);
    const balls = [
      [0, 0, 0, 0.1],
      [0.03, 0.03, 0.085, 0.02],
      [-0.03, 0.03, 0.085, 0.02],
      [0, -0.025, 0.09, 0.015],
      [0, -0.045, 0.085, 0.015],
      [0, -0.035, 0.095, 0.012],
    ];
    const expected = out.map((_, i) =>
      Math.min(
        ...balls.map(
          ([x, y, z, r]) => Math.hypot(canonical[3 * i] - x, canonical[3 * i + 1] - y, canonical[3 * i + 2] - z) - r,
        ),
      ),
    );
    expect(out).toBeCloseToTensor(expected, 1e-6);
    expect(out.some((d) => d < 0) && out.some((d) => d > 0)).toBe(true);
  });

  it('has a distance that is the least of its parts', async () => {
    const { distance, partDistances } = await model.evaluateParts(points, codes);
    expect(partDistances.length).toBe(6 * 200);
    expect(distance).toEqual(distance.map((_, i) => Math.min(...partDistances.subarray(6 * i, 6 * i + 6))));
  });

  it('has the gradient that finite differences have', async () => {
    const { distance, gradient } = await model.gradient(points, codes);
    expect(distance).toBeCloseToTensor(await model.evaluate(points, codes), 1e-7);
    const h = 1e-3;
    const shifted = async (axis: number, by: number) =>
      model.evaluate(
        points.map((x, i) => (i % 3 === axis ? x + by : x)),
        codes,
      );
    const expected = new Float32Array(gradient.length);
    for (let axis = 0; axis < 3; axis++) {
      const [plus, minus] = [await shifted(axis, h), await shifted(axis, -h)];
      plus.forEach((d, i) => {
        expected[3 * i + axis] = (d - minus[i]) / (2 * h);
      });
    }
    // Where two balls are equally near, the difference quotient mixes their slopes; those few points are left out.
    const { partDistances } = await model.evaluateParts(points, codes);
    const plain = distance.map((d, i) => {
      const sorted = [...partDistances.subarray(6 * i, 6 * i + 6)].sort((a, b) => a - b);
      return sorted[1] - d > 4 * h ? 1 : 0;
    });
    expect(plain.filter(Boolean).length).toBeGreaterThan(150);
    const kept = (values: Float32Array) => values.filter((_, i) => plain[Math.floor(i / 3)] === 1);
    expect(kept(gradient)).toBeCloseToTensor(kept(expected), 2e-3);
  });

  it('has unit normals that point outward', async () => {
    const out = new Float32Array(points.length);
    const normals = await model.normals(points, codes, out);
    expect(normals).toBe(out);
    const step = 1e-3;
    const before = await model.evaluate(points, codes);
    const after = await model.evaluate(
      points.map((x, i) => x + step * normals[i]),
      codes,
    );
    after.forEach((d, i) => expect(d).toBeGreaterThan(before[i]));
    for (let i = 0; i < normals.length; i += 3) {
      expect(Math.hypot(...normals.subarray(i, i + 3))).toBeCloseTo(1, 5);
    }
  });

  it('has a vector-Jacobian product that finite differences have', async () => {
    const cotangent = random.uniforms(200, -1, 1);
    const { gradPoints, gradGeometry, gradExpression } = await model.vjp(points, codes, cotangent);
    const { gradient } = await model.gradient(points, codes);
    expect(gradPoints).toBeCloseToTensor(
      gradient.map((g, i) => g * cotangent[Math.floor(i / 3)]),
      1e-6,
    );
    const weighted = async (at: Codes) =>
      (await model.evaluate(points, at)).reduce((sum, d, i) => sum + d * cotangent[i], 0);
    for (const [key, received] of [
      ['geometry', gradGeometry],
      ['expression', gradExpression],
    ] as const) {
      const h = 0.02;
      for (let k = 0; k < received.length; k++) {
        const at = (by: number) => ({ ...codes, [key]: codes[key].map((x, i) => (i === k ? x + by : x)) });
        const expected = ((await weighted(at(h))) - (await weighted(at(-h)))) / (2 * h);
        expect(received[k]).toBeCloseTo(expected, 3);
      }
    }
  });

  it('answers nothing with nothing', async () => {
    expect(await model.evaluate(new Float32Array(0), codes)).toEqual(new Float32Array(0));
    expect((await model.gradient(new Float32Array(0), codes)).gradient).toEqual(new Float32Array(0));
  });
});

describe('hostile input', () => {
  const points = new Float32Array(6);
  it.each([
    ['points that are not triples', 'SHAPE', () => model.evaluate(new Float32Array(1000), codes)],
    ['points that are no Float32Array', 'SHAPE', () => model.evaluate([0, 0, 0] as unknown as Float32Array, codes)],
    ['points with NaN', 'RANGE', () => model.evaluate(new Float32Array([0, Number.NaN, 0]), codes)],
    ['infinite points', 'RANGE', () => model.gradient(new Float32Array([0, 0, Number.POSITIVE_INFINITY]), codes)],
    ['out of the wrong length', 'SHAPE', () => model.evaluate(points, codes, new Float32Array(3))],
    ['a cotangent of the wrong length', 'SHAPE', () => model.vjp(points, codes, new Float32Array(1))],
    ["another model's codes", 'CODES', () => model.normals(points, { ...codes, geometry: new Float32Array(100) })],
    [
      'codes with NaN',
      'CODES',
      () => model.evaluate(points, { ...codes, expression: new Float32Array(3).fill(Number.NaN) }),
    ],
  ])('refuses %s', async (_, code, run) => {
    await expect(run()).rejects.toSatisfy((error) => isFaceError(error, code));
  });

  it('refuses a file that is not the one of the manifest, by name', async () => {
    const files = {
      async read(path: string) {
        const bytes = await tinyFiles.read(path);
        return path.endsWith('sdfVjp.onnx') ? bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte)) : bytes;
      },
    };
    await expect(loadSdfModel({ ort, files, manifest })).rejects.toThrow(/sdfVjp\.onnx.*SHA-256/);
  });

  it('stops loading when told to', async () => {
    await expect(loadSdfModel({ ort, files: tinyFiles, manifest, signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
  });
});
