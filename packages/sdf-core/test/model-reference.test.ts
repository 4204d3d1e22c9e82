import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseManifest, parseSafetensors } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Codes, loadSdfModel, type SdfModel } from '../src/index.js';

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
