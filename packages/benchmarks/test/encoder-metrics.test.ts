import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { medianVertexError } from '../src/encoder-metrics.js';

it('does not count what a similarity explains, and counts the rest', () => {
  const random = createRandom(2);
  const truth = random.uniforms(3 * 500, -0.1, 0.1);
  // Twice as large, turned by a quarter about z, moved.
  const found = truth.map((_, i) => {
    const n = i - (i % 3);
    return 2 * [-truth[n + 1], truth[n], truth[n + 2]][i % 3] + [0.3, -0.1, 0.5][i % 3];
  });
  expect(medianVertexError(found, truth)).toBeLessThan(1e-6);
  // Noise of 1 mm per axis in the true scale: the median length of a normal vector in space is 1.538 deviations.
  const noisy = found.map((x) => x + 0.002 * random.normal());
  expect(medianVertexError(noisy, truth)).toBeCloseTo(1.538e-3, 4);
});
