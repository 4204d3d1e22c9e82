// `node .scripts/pnpm.mjs --filter @implicit-faces/benchmarks bench:step-scale`: what step the sphere tracer may take on the shipped
// network. The reference marches by a millimetre at most; a ray "jumped" where it hits more than 0.3 mm behind it, or not at all.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { loadSdfModel, modelField, sphereTrace } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { createTestSet } from '../src/test-set.js';
import { cameraRays } from '../src/trace-metrics.js';

const MODEL = fileURLToPath(new URL('../../face-model', import.meta.url));
/** Shapes that are hardest to trace: wide gaps, thin gaps, folds; and mixes. */
const SHAPES = ['jawOpen', 'eyeBlink_L', 'mouthPucker', 'mouthSmile_L', 'mouthClose'];
const FACES = 4;
const SETTINGS = [0.5, 0.7, 0.85, 1].flatMap((stepScale) =>
  [0.01, 0.03, 0.06].map((maxStep) => ({ stepScale, maxStep })),
);

const { values } = parseArgs({ options: { model: { type: 'string', default: MODEL } } });
const manifest = parseManifest(JSON.parse(await readFile(`${values.model}/manifest.json`, 'utf8')));
const { bounds } = manifest;
const model = await loadSdfModel({ ort, files: directoryFiles(values.model), manifest });
const faces = createTestSet(manifest, SHAPES, 11).slice(0, FACES);
const results = SETTINGS.map((settings) => ({ ...settings, rays: 0, jumped: 0, overshot: 0, exhausted: 0, steps: 0 }));
for (const [index, codes] of faces.entries()) {
  const rays = cameraRays(index, bounds, createRandom(index));
  const field = modelField(model, codes);
  const reference = await sphereTrace(field, rays, { bounds, stepScale: 0.3, maxStep: 1e-3, maxSteps: 5000 });
  for (const result of results) {
    const { stepScale, maxStep } = result;
    const { hit, t, overshot, exhausted, steps } = await sphereTrace(field, rays, { bounds, stepScale, maxStep });
    for (let i = 0; i < hit.length; i++) {
      result.rays++;
      result.steps += steps[i];
      result.overshot += overshot[i];
      result.exhausted += exhausted[i];
      if (reference.hit[i] && t[i] > reference.t[i] + 3e-4) result.jumped++;
    }
  }
  process.stderr.write(`face ${index + 1} of ${faces.length}\n`);
}
await model.dispose();
const percent = (count: number, rays: number) => `${((100 * count) / rays).toFixed(3)} %`;
console.table(
  results.map(({ stepScale, maxStep, rays, jumped, overshot, exhausted, steps }) => ({
    stepScale,
    maxStep,
    jumped: percent(jumped, rays),
    overshot: percent(overshot, rays),
    exhausted: percent(exhausted, rays),
    stepsPerRay: (steps / rays).toFixed(1),
  })),
);
