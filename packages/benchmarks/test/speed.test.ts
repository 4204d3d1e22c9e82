import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { countFmasPerPoint, measurePeakFmas } from '../src/speed.js';

it('counts no products where a network has none, and says so where shapes are not written', async () => {
  const read = (name: string) => readFile(new URL(`../../test-utils/fixtures/tiny-face-model/weights/${name}.onnx`, import.meta.url));
  // Its products take codes alone, or their shapes are left out of the file.
  expect([0, undefined]).toContain(countFmasPerPoint(await read('sdf')));
  expect(countFmasPerPoint(new Uint8Array(0))).toBeUndefined();
});

it('measures a peak', async () => {
  expect(await measurePeakFmas(ort, 1)).toBeGreaterThan(1e8);
});
