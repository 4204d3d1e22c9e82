import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseManifest, parseSafetensors } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Codes, loadSdfLayers, loadSdfModel, MOUTH_PARTS, type SdfModel } from '../src/index.js';

const MODEL = fileURLToPath(new URL('../../face-model', import.meta.url));
const REFERENCE = fileURLToPath(new URL('../../test-utils/fixtures/model-reference.safetensors', import.meta.url));
const present = existsSync(`${MODEL}/manifest.json`) && existsSync(REFERENCE);
if (!present) {
  console.warn(
    `\n!! ${MODEL} has no manifest, or ${REFERENCE} is not there: THE SHIPPED NETWORKS ARE NOT COMPARED WITH TRAINING.\n`,
  );
}

describe.skipIf(!present)('the shipped signed distance network', () => {
  let model: SdfModel;
  let codes: Codes;
  let expected: (name: string) => Float32Array;
  beforeAll(async () => {
    const manifest = parseManifest(JSON.parse(await readFile(`${MODEL}/manifest.json`, 'utf8')));
    const { tensors, metadata } = parseSafetensors(new Uint8Array(await readFile(REFERENCE)));
    expect(metadata).toMatchObject({ magic: 'implicit-faces-reference', model: manifest.version });
    expected = (name) => tensors[name].data as Float32Array;
    codes = { geometry: expected('geometry'), expression: expected('expression') };
    model = await loadSdfModel({ ort, files: directoryFiles(MODEL), manifest });
    // Megabytes of networks take a while on a busy machine.
  }, 60_000);
  afterAll(() => model?.dispose());

  it('gives the distances that training saw, to 2 micrometres', async () => {
    const points = expected('points');
    expect(await model.evaluate(points, codes)).toBeCloseToTensor(expected('sdf.distance'), 2e-6);
    const { partDistances } = await model.evaluateParts(points, codes);
    expect(partDistances).toBeCloseToTensor(expected('sdf.partDistances'), 2e-6);
    expect(await model.canonical(points, codes)).toBeCloseToTensor(expected('sdf.canonical'), 2e-6);
  });

  it('gives the gradients that training saw', async () => {
    const { distance, gradPoints, gradGeometry, gradExpression } = await model.vjp(
      expected('points'),
      codes,
      expected('cotangent'),
    );
    expect(distance).toBeCloseToTensor(expected('sdf.distance'), 2e-6);
    const tolerance = { absolute: 1e-3, relative: 2e-3 };
    expect(gradPoints).toBeCloseToTensor(expected('sdfVjp.gradPoints'), tolerance);
    expect(gradGeometry).toBeCloseToTensor(expected('sdfVjp.gradGeometry'), tolerance);
    expect(gradExpression).toBeCloseToTensor(expected('sdfVjp.gradExpression'), tolerance);
  });
});

/** Models before the layers were exported, and their fixture, have none. */
const layered = present && 'template' in JSON.parse(readFileSync(`${MODEL}/manifest.json`, 'utf8')).networks;
if (!layered) console.warn('\n!! The model has no layers: THEY ARE NOT COMPARED WITH TRAINING.\n');

describe.skipIf(!layered)("the shipped network's layers", () => {
  it('give what training saw, and compose to f', async () => {
    const manifest = parseManifest(JSON.parse(await readFile(`${MODEL}/manifest.json`, 'utf8')));
    const { tensors } = parseSafetensors(new Uint8Array(await readFile(REFERENCE)));
    const expected = (name: string) => tensors[name].data as Float32Array;
    const codes = { geometry: expected('geometry'), expression: expected('expression') };
    const loading = { ort, files: directoryFiles(MODEL), manifest };
    const layers = await loadSdfLayers(loading);
    const points = expected('points');
    if ('template.distances' in tensors) {
      expect(await layers.template(points)).toBeCloseToTensor(expected('template.distances'), 2e-6);
      expect(await layers.templateUv(points)).toBeCloseToTensor(expected('templateUv.uv'), 1e-5);
      const { canonical, corrections } = await layers.deform(points, codes);
      expect(canonical).toBeCloseToTensor(expected('deformation.canonical'), 5e-6);
      expect(corrections).toBeCloseToTensor(expected('deformation.corrections'), 5e-6);
      expect(await layers.mouthParts(points)).toBeCloseToTensor(expected('mouthParts.distances'), 5e-6);
    }
    // Near the skin its distance is the lesser of both sheets' T(x + D) + correction; farther off, f asks the jaw only near its box.
    const model = await loadSdfModel(loading);
    const near = expected('uv.points');
    const { partDistances } = await model.evaluateParts(near, codes);
    const { canonical, corrections } = await layers.deform(near, codes);
    const sheets = await layers.template(canonical);
    const composed = Float32Array.from({ length: near.length / 3 }, (_, i) =>
      Math.min(sheets[4 * i] + corrections[2 * i], sheets[4 * i + 3] + corrections[2 * i + 1]),
    );
    const skin = composed.map((_, i) => partDistances[manifest.parts.length * i]);
    expect(composed).toBeCloseToTensor(skin, 1e-5);
    expect(layers.mouthBoxes).toHaveLength(MOUTH_PARTS.length);
    expect(layers.eyes[0].centre[0]).toBeGreaterThan(0); // the subject's left is +X
    await Promise.all([layers.dispose(), model.dispose()]);
  });
});
