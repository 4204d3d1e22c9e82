import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { solveBoundedLeastSquares } from '../src/bounded-least-squares.js';

const residualOf = (matrix: ArrayLike<number>, target: ArrayLike<number>, x: ArrayLike<number>) =>
  Array.from(target, (t, i) => Array.from(x).reduce((sum, value, k) => sum - matrix[i * x.length + k] * value, t));

describe('solveBoundedLeastSquares', () => {
  for (let seed = 0; seed < 20; seed++) {
    it(`meets the conditions of a minimum, seed ${seed}`, () => {
      const random = createRandom(seed);
      const rows = 8 + random.integer(30);
      const columns = 1 + random.integer(rows);
      const matrix = random.uniforms(rows * columns, -1, 1);
      const target = random.uniforms(rows, -2, 2);
      const x = solveBoundedLeastSquares(matrix, target);
      const residual = residualOf(matrix, target, x);
      x.forEach((value, k) => {
        const slope = residual.reduce((sum, r, i) => sum + r * matrix[i * columns + k], 0);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        // Free unknowns have no slope; one at a bound is pushed against it.
        if (value < 1) expect(slope).toBeLessThan(1e-6);
        if (value > 0) expect(slope).toBeGreaterThan(-1e-6);
      });
    });
  }

  it('finds weights again that made the target', () => {
    const random = createRandom(5);
    const matrix = random.uniforms(58 * 52, -1, 1);
    const weights = random.uniforms(52, -0.3, 1.3).map((w) => Math.min(1, Math.max(0, w)));
    const target = residualOf(matrix, new Float32Array(58), weights).map((r) => -r);
    expect(solveBoundedLeastSquares(matrix, target)).toBeCloseToTensor(weights, 1e-5);
  });

  it('gives the work to the earlier of two equal columns and leaves empty ones at 0', () => {
    expect([...solveBoundedLeastSquares([1, 0, 1], [0.75])]).toEqual([0.75, 0, 0]);
  });
});
