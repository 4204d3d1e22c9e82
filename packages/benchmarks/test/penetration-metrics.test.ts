import type { SdfModel } from '@implicit-faces/sdf-core';
import { expect, it } from 'vitest';
import { measurePenetration } from '../src/penetration-metrics.js';

it('counts lids in eyeballs, lips in teeth, and lips in the other lip beyond the networks own error', async () => {
  const parts = ['skin', 'eyeLeft', 'eyeRight', 'teethUpper', 'teethLower', 'tongue'];
  // Each point says its own distances: x the skin's, y the left eye's, z the upper teeth's.
  const sdf = {
    manifest: { parts },
    async evaluateParts(points: Float32Array) {
      const rows = Array.from({ length: points.length / 3 }, (_, i) => points.subarray(3 * i, 3 * i + 3));
      return { partDistances: Float32Array.from(rows.flatMap(([x, y, z]) => [x, y, 1, z, 1, -1])) };
    },
  } as unknown as SdfModel;
  const positions = Float32Array.of(
    ...[0, 0.002, 0],
    ...[-0.005, -0.003, -0.5],
    ...[-0.0009, -1, 0.01],
    ...[-0.002, -1, 0.01],
    ...[0, 0, -0.004],
  );
  const codes = { geometry: new Float32Array(1), expression: new Float32Array(1) };
  const openings = { lids: Uint32Array.of(0, 1), lips: Uint32Array.of(2, 3, 4) };
  const depths = await measurePenetration(sdf, codes, positions, openings);
  expect(depths).toBeCloseToTensor(Float32Array.of(0, 0.003, 0, 0.002, 0.004), 1e-7);
});
