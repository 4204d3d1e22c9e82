import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseManifest, parseSafetensors } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { type Codes, createCodes } from '@implicit-faces/sdf-core';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadUvModel, REGIONS, sampleChartMap, surfaceLandmarks, type UvModel } from '../src/index.js';

const MODEL = fileURLToPath(new URL('../../face-model', import.meta.url));
const REFERENCE = fileURLToPath(new URL('../../test-utils/fixtures/model-reference.safetensors', import.meta.url));
const present = existsSync(`${MODEL}/manifest.json`) && existsSync(REFERENCE);
if (!present) {
  console.warn(
    `\n!! ${MODEL} has no manifest, or ${REFERENCE} is not there: THE SHIPPED NETWORKS ARE NOT COMPARED WITH TRAINING.\n`,
  );
}

describe.skipIf(!present)('the shipped UV and colour networks', () => {
  let model: UvModel;
  let codes: Codes;
  let expected: (name: string) => Float32Array;
  beforeAll(async () => {
    const manifest = parseManifest(JSON.parse(await readFile(`${MODEL}/manifest.json`, 'utf8')));
    const { tensors, metadata } = parseSafetensors(new Uint8Array(await readFile(REFERENCE)));
    expect(metadata).toMatchObject({ magic: 'implicit-faces-reference', model: manifest.version });
    expected = (name) => tensors[name].data as Float32Array;
    codes = { geometry: expected('geometry'), expression: expected('expression') };
    model = await loadUvModel({ ort, files: directoryFiles(MODEL), manifest });
    // Megabytes of networks take a while on a busy machine.
  }, 60_000);
  afterAll(() => model?.dispose());

  it('give the places on the charts that training saw', async () => {
    const { uv, chart } = await model.uvFromSurface(expected('uv.points'), codes);
    expect(chart).toEqual(Uint8Array.from(expected('uv.chart')));
    expect(uv).toBeCloseToTensor(expected('uv.uv'), 1e-4);
  });

  it('give the places in space that training saw, to 2 micrometres', async () => {
    const uv = expected('uv');
    expect(await model.surfaceFromUv(uv, codes)).toBeCloseToTensor(expected('inverseUv.points'), 2e-6);
    const { gradGeometry } = await model.surfaceVjp(uv, codes, expected('cotangent3'));
    expect(gradGeometry).toBeCloseToTensor(expected('inverseUvVjp.gradGeometry'), { absolute: 1e-4, relative: 2e-3 });
    expect(await model.partTransforms(codes)).toBeCloseToTensor(expected('partTransforms.transforms'), 2e-6);
  });

  it('give the albedo that training saw', async () => {
    const [uv, texture] = [expected('uv'), expected('texture')];
    expect(await model.albedo(uv, texture, codes.expression)).toBeCloseToTensor(expected('colour.albedo'), 1e-4);
    const { gradTexture } = await model.albedoVjp(uv, texture, codes.expression, expected('cotangent3'));
    expect(gradTexture).toBeCloseToTensor(expected('colourVjp.gradTexture'), { absolute: 1e-3, relative: 2e-3 });
  });

  it('say what every texture code does', async () => {
    const [uv, texture] = [expected('uv'), expected('texture')];
    const { density, basis } = await model.densityBasis(uv);
    const albedo = density.map((d, i) =>
      Math.min(1, Math.exp(-texture.reduce((sum, code, k) => sum + basis[i * texture.length + k] * code, d))),
    );
    const atRest = await model.albedo(uv, texture, new Float32Array(codes.expression.length));
    expect(albedo).toBeCloseToTensor(atRest, 1e-3);
  });

  it('have a face where a face is', async () => {
    const mean = createCodes(model.manifest);
    const points = await surfaceLandmarks(model, mean, 68);
    const at = (i: number) => points.subarray(3 * i, 3 * i + 3);
    // iBUG: 30 nose tip, 8 chin, 36 and 45 outer corners of the right and the left eye, 48 and 54 of the mouth, 60 to 67 the lips' inside.
    expect(at(30)[2]).toBeGreaterThan(Math.max(at(8)[2], at(36)[2], at(45)[2]));
    expect(at(45)[0]).toBeGreaterThan(0.03);
    expect(at(36)[0]).toBeLessThan(-0.03);
    expect(at(8)[1]).toBeLessThan(at(48)[1]);
    expect(at(54)[0]).toBeGreaterThan(at(48)[0] + 0.03);
    const { landmarks, faceMask, regions } = model.topology;
    const mouth = landmarks[68].subarray(2 * 60, 2 * 68);
    expect([...sampleChartMap(regions, mouth)].filter((label) => label === REGIONS.lips).length).toBeGreaterThan(6);
    expect([...sampleChartMap(faceMask, landmarks[68].subarray(2 * 27, 2 * 31))]).toEqual([255, 255, 255, 255]);
  });

  it('have triangles that face outward', async () => {
    const { uv, triangles } = model.topology.skin;
    const points = await model.surfaceFromUv(uv, createCodes(model.manifest));
    let volume = 0;
    for (let i = 0; i < triangles.length; i += 3) {
      const [a, b, c] = [0, 1, 2].map((k) => points.subarray(3 * triangles[i + k], 3 * triangles[i + k] + 3));
      volume +=
        (a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])) /
        6;
    }
    expect(volume).toBeGreaterThan(0.002);
  });
});
