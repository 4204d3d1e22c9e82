import * as ort from 'onnxruntime-node';
import { afterAll, expect, it } from 'vitest';
import { identityDistance, loadIdentityNetwork } from '../src/identity.js';

const network = await loadIdentityNetwork(ort);
afterAll(() => network.dispose());

/** A picture of waves, as the network takes it. */
function waves(): Float32Array {
  const mean = [122.782, 117.001, 104.298];
  return Float32Array.from({ length: 3 * 150 * 150 }, (_, i) => {
    const [c, x, y] = [Math.floor(i / 22500), i % 150, Math.floor((i % 22500) / 150)];
    return (Math.round(127 + 100 * Math.sin(x * (0.05 + 0.02 * c)) * Math.cos(y * 0.07)) - mean[c]) / 255;
  });
}

it('gives what face-api 1.7.15 itself gives, by TensorFlow.js in plain JavaScript', async () => {
  const descriptor = await network.run(waves());
  expect(descriptor.length).toBe(128);
  expect(descriptor.slice(0, 8)).toBeCloseToTensor(
    Float32Array.of(-0.063634, 0.105203, 0.045916, 0.007754, -0.047059, -0.060081, -0.064605, -0.037887),
    1e-5,
  );
});

it('measures distances', () => {
  expect(identityDistance(Float32Array.of(1, 2, 2), Float32Array.of(1, 0, 0))).toBeCloseTo(Math.sqrt(8), 6);
});
