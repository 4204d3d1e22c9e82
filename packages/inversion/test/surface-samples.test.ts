import type { FaceModel } from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DensitySamples,
  loadDensitySamples,
  loadModelSamples,
  loadSurfaceSamples,
  mixDensity,
  posePoints,
} from '../src/surface-samples.js';
import { loadTinyModel } from './helpers/models.js';

const random = createRandom(8);
const uv = random.uniforms(2 * 30, 0.3, 0.7);
let model: FaceModel;
beforeAll(async () => {
  model = await loadTinyModel();
});
afterAll(() => model.dispose());

describe('posePoints', () => {
  it('is where the model puts the places, for any codes, with and without out', async () => {
    const samples = await loadSurfaceSamples(model, uv);
    const geometry = random.uniforms(model.manifest.codes.geometry, -2, 2);
    const expression = random.uniforms(model.manifest.codes.expression);
    const codes = Float64Array.from([...geometry, ...expression]);
    const expected = await model.uv.surfaceFromUv(uv, { geometry, expression });
    const out = new Float32Array(expected.length);
    expect(posePoints(samples, codes, out)).toBe(out);
    expect(out).toBeCloseToTensor(expected, 1e-6);
    expect(posePoints(samples, codes)).toEqual(out);
  });
});

describe('loadModelSamples', () => {
  it('asks the networks once, and again of another model or after an answer that was none', async () => {
    const landmarks = model.uv.topology.landmarks[468];
    let asked = 0;
    let poison = true;
    const uv: FaceModel['uv'] = {
      ...model.uv,
      async surfaceJacobian(...args) {
        asked++;
        const answer = await model.uv.surfaceJacobian(...args);
        if (poison) answer.jacobian[0] = Number.POSITIVE_INFINITY;
        return answer;
      },
    };
    await expect(loadModelSamples({ ...model, uv }, landmarks)).rejects.toMatchObject({ code: 'NOT_FINITE' });
    poison = false;
    asked = 0;
    const samples = await loadModelSamples({ ...model, uv }, landmarks);
    expect(await loadModelSamples({ ...model, uv }, landmarks)).toBe(samples);
    expect(asked).toBe(1);
    expect(samples.count).toBe(468);
    const vertices = await loadModelSamples({ ...model, uv }, model.uv.topology.skin.uv);
    expect(vertices.count).toBe(model.uv.topology.skin.uv.length / 2);
    expect(await loadModelSamples({ ...model, uv }, landmarks)).toBe(samples);
    expect(asked).toBe(2);
    expect(await loadModelSamples({ ...model, uv: { ...uv } }, landmarks)).not.toBe(samples);
    expect(asked).toBe(3);
  });
});

describe('loadDensitySamples', () => {
  it('measures the mean and the basis of -ln(albedo)', async () => {
    const fractions: number[] = [];
    const density = await loadDensitySamples(model, uv, undefined, (fraction) => fractions.push(fraction));
    const expression = new Float32Array(model.manifest.codes.expression);
    const code = new Float64Array([0, 0.25]);
    const expected = await model.uv.albedo(uv, Float32Array.from(code), expression);
    expect(mixDensity(density, code).map((d) => Math.exp(-d))).toBeCloseToTensor(expected, 1e-4);
    expect(fractions).toEqual([0.5, 1]);
  });

  it('stops when told to', async () => {
    const controller = new AbortController();
    const stopped = loadDensitySamples(model, uv, controller.signal, () => controller.abort(new Error('enough')));
    await expect(stopped).rejects.toThrow('enough');
  });
});

describe('mixDensity', () => {
  it('is linear in the code', () => {
    const density: DensitySamples = {
      mean: new Float32Array([1, 2, 3]),
      basis: new Float32Array([1, 0, 0, 1, 2, -1]),
      codeSize: 2,
    };
    expect(mixDensity(density, new Float64Array([0.5, 2]))).toEqual(new Float32Array([1.5, 4, 2]));
  });
});
