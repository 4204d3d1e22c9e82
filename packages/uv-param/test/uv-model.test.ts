import { createHash } from 'node:crypto';
import type { Files } from '@implicit-faces/runtime';
import { type Codes, createCodes } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { OnnxWriter } from '@implicit-faces/test-utils/onnx-writer';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bakeAlbedo,
  computeCycleErrors,
  enlargeRegion,
  enlargeTexture,
  isFaceError,
  loadUvModel,
  surfaceLandmarks,
  texelCentres,
  type UvModel,
} from '../src/index.js';
import { readTinyManifest, tinyFiles } from './tiny-model.js';

const manifest = await readTinyManifest();
const random = createRandom(9);
const codes: Codes = { geometry: random.uniforms(4, -1, 1), expression: random.uniforms(3) };
const texture = random.uniforms(2, -1, 1);
const uv = random.uniforms(2 * 100, 0.25, 0.75);
let model: UvModel;
beforeAll(async () => {
  model = await loadUvModel({ ort, files: tinyFiles, manifest });
});
afterAll(() => model.dispose());

describe('surface and chart', () => {
  it('undo each other on the skin', async () => {
    const places = random.uniforms(2 * 20000, 0.1, 0.9);
    const points = await model.surfaceFromUv(places, codes);
    const { errors, uv: back } = await computeCycleErrors(model, points, codes);
    const onSkin = errors.filter((error) => !Number.isNaN(error));
    expect(onSkin.length).toBeGreaterThan(15000);
    expect(Math.max(...onSkin)).toBeLessThan(1e-6);
    const kept = (values: Float32Array) => values.filter((_, i) => !Number.isNaN(errors[i >> 1]));
    expect(kept(back)).toBeCloseToTensor(kept(places), 1e-5);
  });

  it('puts the mean nose at the centre and the right way round', async () => {
    const mean = createCodes(manifest);
    expect(await model.surfaceFromUv(new Float32Array([0.5, 0.5]), mean)).toBeCloseToTensor([0, 0, 0.1], 1e-6);
    const [, y] = await model.surfaceFromUv(new Float32Array([0.5, 0.3]), mean);
    const [x] = await model.surfaceFromUv(new Float32Array([0.7, 0.5]), mean);
    expect(y).toBeGreaterThan(0.01);
    expect(x).toBeGreaterThan(0.01);
  });

  it('names the part that is nearest', async () => {
    const { chart } = await model.uvFromSurface(
      new Float32Array([0, 0, -0.1, 0.03, 0.03, 0.106, -0.03, 0.03, 0.106, 0, -0.035, 0.108]),
      createCodes(manifest),
    );
    expect(chart).toEqual(new Uint8Array([0, 1, 2, 5]));
  });

  it('has the Jacobian that differences of codes have', async () => {
    const { points, jacobian } = await model.surfaceJacobian(uv, codes);
    expect(points).toBeCloseToTensor(await model.surfaceFromUv(uv, codes), 1e-7);
    const moved = {
      geometry: codes.geometry.map((x, i) => x + 0.1 * (i + 1)),
      expression: codes.expression.map((x, i) => x - 0.2 * i),
    };
    const change = [
      ...moved.geometry.map((x, i) => x - codes.geometry[i]),
      ...moved.expression.map((x, i) => x - codes.expression[i]),
    ];
    const expected = points.map((x, row) => x + change.reduce((sum, c, k) => sum + c * jacobian[row * 7 + k], 0));
    expect(await model.surfaceFromUv(uv, moved)).toBeCloseToTensor(expected, 1e-6);
  });

  it('has the vector-Jacobian product that finite differences have', async () => {
    const cotangent = random.uniforms(300, -1, 1);
    const { points, gradUv, gradGeometry, gradExpression } = await model.surfaceVjp(uv, codes, cotangent);
    const { jacobian } = await model.surfaceJacobian(uv, codes);
    const expected = Array.from({ length: 7 }, (_, k) =>
      points.reduce((sum, _, row) => sum + cotangent[row] * jacobian[row * 7 + k], 0),
    );
    expect([...gradGeometry, ...gradExpression]).toBeCloseToTensor(expected, 1e-4);
    const h = 1e-3;
    for (const axis of [0, 1]) {
      const shifted = (by: number) =>
        model.surfaceFromUv(
          uv.map((x, i) => (i % 2 === axis ? x + by : x)),
          codes,
        );
      const [plus, minus] = [await shifted(h), await shifted(-h)];
      const differences = Float32Array.from({ length: 100 }, (_, i) =>
        [0, 1, 2].reduce((sum, c) => sum + (cotangent[3 * i + c] * (plus[3 * i + c] - minus[3 * i + c])) / (2 * h), 0),
      );
      expect(gradUv.filter((_, i) => i % 2 === axis)).toBeCloseToTensor(differences, 2e-4);
    }
  });

  it('gives landmarks on the surface', async () => {
    for (const count of [68, 468] as const) {
      const points = await surfaceLandmarks(model, codes, count);
      expect(points.length).toBe(3 * count);
    }
  });

  it('poses the parts', async () => {
    const transforms = await model.partTransforms(codes);
    expect(transforms.length).toBe(5 * 12);
    const [shift] = [await model.surfaceFromUv(new Float32Array([0.5, 0.5]), codes)];
    // The tiny head moves as one: every part by what moves the skin.
    for (let part = 0; part < 5; part++) {
      const rows = transforms.subarray(12 * part, 12 * part + 12);
      expect(rows).toBeCloseToTensor([1, 0, 0, shift[0], 0, 1, 0, shift[1], 0, 0, 1, shift[2] - 0.1], 1e-6);
    }
  });
});

describe('albedo', () => {
  it('is baked at texel centres, row 0 at v = 0', async () => {
    const shares: number[] = [];
    const { data, size } = await bakeAlbedo(model, texture, codes.expression, 160, {
      onProgress: (share) => shares.push(share),
    });
    expect(size).toBe(160);
    expect(shares.length).toBe(4);
    expect(shares.at(-1)).toBe(1);
    const centres = texelCentres(160);
    expect(centres.subarray(2 * 161, 2 * 162)).toBeCloseToTensor([1.5 / 160, 1.5 / 160], 1e-7);
    const [base] = [await model.albedo(new Float32Array([0, 0]), new Float32Array(2), codes.expression)];
    const [tinted] = [await model.albedo(new Float32Array([0, 0]), texture, codes.expression)];
    const expected = data.map((_, i) => {
      const [u, v] = centres.subarray(2 * Math.floor(i / 3));
      const plain = [0.5 + 0.25 * Math.sin(6 * u), 0.5 + 0.25 * Math.cos(6 * v), 0.4 + 0.2 * u * v][i % 3];
      return plain + tinted[i % 3] - base[i % 3];
    });
    expect(data).toBeCloseToTensor(expected, 1e-5);
  });

  it('has the vector-Jacobian product that finite differences have', async () => {
    const cotangent = random.uniforms(300, -1, 1);
    const { albedo, gradTexture } = await model.albedoVjp(uv, texture, codes.expression, cotangent);
    expect(albedo).toBeCloseToTensor(await model.albedo(uv, texture, codes.expression), 1e-6);
    const h = 0.01;
    for (let k = 0; k < 2; k++) {
      const at = async (by: number) =>
        (
          await model.albedo(
            uv,
            texture.map((x, i) => (i === k ? x + by : x)),
            codes.expression,
          )
        ).reduce((sum, x, i) => sum + x * cotangent[i], 0);
      expect(gradTexture[k]).toBeCloseTo(((await at(h)) - (await at(-h))) / (2 * h), 3);
    }
  });

  it('stops when told to', async () => {
    const baking = bakeAlbedo(model, texture, codes.expression, 16, { signal: AbortSignal.abort() });
    await expect(baking).rejects.toThrow(/abort/i);
  });
});

describe('hostile input', () => {
  it.each([
    ['points that are not triples', 'SHAPE', () => model.uvFromSurface(new Float32Array(4), codes)],
    ['UV that are not pairs', 'SHAPE', () => model.surfaceFromUv(new Float32Array(3), codes)],
    ['NaN', 'RANGE', () => model.surfaceFromUv(new Float32Array([0.5, Number.NaN]), codes)],
    ['a cotangent of another length', 'SHAPE', () => model.surfaceVjp(uv, codes, new Float32Array(3))],
    ['out of another length', 'SHAPE', () => model.surfaceFromUv(uv, codes, new Float32Array(3))],
    ["another model's texture code", 'CODES', () => model.albedo(uv, new Float32Array(64), codes.expression)],
    ["another model's codes", 'CODES', () => model.partTransforms({ ...codes, geometry: new Float32Array(1) })],
    ['a texture of no texels', 'RANGE', () => bakeAlbedo(model, texture, codes.expression, 0)],
  ])('refuses %s', async (_, code, run) => {
    await expect(run()).rejects.toSatisfy((error) => isFaceError(error, code));
  });
});

describe('densityBasis', () => {
  it('is measured code by code where the model has no network for it, seed 9', async () => {
    const shares: number[] = [];
    const found = await model.densityBasis(uv, { onProgress: (share) => shares.push(share) });
    expect(found.basis.length).toBe(uv.length * 1.5 * texture.length);
    // The tiny model's albedo is no exponential, but at the step that is measured the difference is exact.
    const expected = await model.albedo(uv, Float32Array.of(0, 0.25), new Float32Array(3));
    const albedo = found.density.map((d, i) => Math.exp(-d - 0.25 * found.basis[2 * i + 1]));
    expect(albedo).toBeCloseToTensor(expected, 1e-4);
    expect(shares.at(-1)).toBe(1);
    const controller = new AbortController();
    const stopped = model.densityBasis(uv, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('asks the network for it where the model has one, seed 10', async () => {
    const [toDensity, toBasis] = [createRandom(10).uniforms(6), createRandom(11).uniforms(12)];
    const writer = new OnnxWriter('test', 'colour-basis');
    writer.input('uv', ['N', 2]);
    writer.node('MatMul', ['uv', writer.float32([2, 3], toDensity)], {}, 'density');
    const flat = writer.node('MatMul', ['uv', writer.float32([2, 6], toBasis)]);
    writer.node('Reshape', [flat, writer.int64([-1, 3, 2])], {}, 'basis');
    writer.output('density', ['N', 3]);
    writer.output('basis', ['N', 3, 2]);
    const bytes = writer.finish();
    const path = 'weights/colour-basis.onnx';
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const spec = (...dims: (number | string)[]) => ({ dims, dtype: 'float32' as const });
    const withBasis = {
      ...manifest,
      files: { ...manifest.files, basis: { path, bytes: bytes.length, sha256 } },
      networks: {
        ...manifest.networks,
        colourBasis: {
          file: 'basis',
          inputs: { uv: spec('N', 2) },
          outputs: { density: spec('N', 3), basis: spec('N', 3, 2) },
        },
      },
    };
    const files: Files = { read: async (name, options) => (name === path ? bytes : tinyFiles.read(name, options)) };
    const loaded = await loadUvModel({ ort, files, manifest: withBasis });
    const { density, basis } = await loaded.densityBasis(uv);
    const at = (n: number, matrix: Float32Array, k: number, columns: number) =>
      uv[2 * n] * matrix[k] + uv[2 * n + 1] * matrix[columns + k];
    expect(density).toBeCloseToTensor(
      density.map((_, i) => at(Math.floor(i / 3), toDensity, i % 3, 3)),
      1e-6,
    );
    expect(basis).toBeCloseToTensor(
      basis.map((_, i) => at(Math.floor(i / 6), toBasis, i % 6, 6)),
      1e-6,
    );
    await loaded.dispose();
  });
});

describe('enlargeTexture', () => {
  it('keeps straight lines straight between the outermost texels, and is itself at its own size', () => {
    const size = 8;
    const data = Float32Array.from({ length: 3 * size * size }, (_, i) => {
      const [x, y] = [(Math.floor(i / 3) % size) + 0.5, Math.floor(i / 3 / size) + 0.5];
      return [x, y, x - 2 * y][i % 3] / size;
    });
    expect(enlargeTexture({ data, size }, size).data).toBe(data);
    const { data: large } = enlargeTexture({ data, size }, 32);
    for (let y = 2; y < 30; y++) {
      for (let x = 2; x < 30; x++) {
        const [u, v] = [(x + 0.5) / 32, (y + 0.5) / 32];
        expect(large.subarray(3 * (32 * y + x), 3 * (32 * y + x) + 3)).toBeCloseToTensor([u, v, u - 2 * v], 1e-6);
      }
    }
    expect(large[0]).toBeCloseTo(0.5 / size, 6);
  });

  it('gives a part as it is in the whole, of pictures that are not square too', () => {
    const size = 7;
    const data = Float32Array.from({ length: 3 * size * size }, (_, i) => {
      const [x, y] = [(Math.floor(i / 3) % size) + 0.5, Math.floor(i / 3 / size) + 0.5];
      return [x, y, x * y][i % 3] / size;
    });
    const texture = { data, size };
    const [width, height] = [24, 16];
    const whole = enlargeRegion(texture, [width, height], [0, 0, width, height]);
    const [u, v] = [(13 + 0.5) / width, (6 + 0.5) / height];
    expect(whole.subarray(3 * (6 * width + 13), 3 * (6 * width + 14))).toBeCloseToTensor([u, v, u * v * size], 1e-6);
    const part = enlargeRegion(texture, [width, height], [5, 3, 10, 4]);
    for (let y = 0; y < 4; y++) {
      const row = 3 * ((y + 3) * width + 5);
      expect(part.slice(30 * y, 30 * (y + 1))).toEqual(whole.slice(row, row + 30));
    }
  });
});
