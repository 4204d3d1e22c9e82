import { createRandom } from '@implicit-faces/test-utils';
import { Matrix, solve } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { type HeightFieldProblem, heightFieldEnergy, solveHeightField } from '../src/height-field.js';

const size = 7;
const count = size * size;

function someProblem(seed: number): HeightFieldProblem {
  const random = createRandom(seed);
  const form = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const [a, b, c, d] = random.uniforms(4, -1, 1);
    form.set([a * a + b * b, a * c + b * d, c * c + d * d], 3 * i);
  }
  return { size, form, slope: random.uniforms(2 * count, -1, 1), ridge: random.uniforms(count, 0.01, 0.2) };
}

describe.each([1, 2, 3])('solveHeightField, seed %i', (seed) => {
  const problem = someProblem(seed);
  const { heights, gain } = solveHeightField(problem, 400);

  it('is where the gradient of the energy, by finite differences, is zero', () => {
    const step = 1e-4;
    for (let i = 0; i < count; i++) {
      const moved = (by: number) =>
        heightFieldEnergy(
          problem,
          heights.map((h, j) => (i === j ? h + by : h)),
        );
      expect(Math.abs(moved(step) - moved(-step)) / (2 * step)).toBeLessThan(0.01);
    }
    expect(gain).toBeCloseTo(-heightFieldEnergy(problem, heights), 4);
  });

  it('is what dense elimination gives for the Hessian by finite differences', () => {
    const unit = (i: number, j = -1) => Array.from({ length: count }, (_, k) => Number(k === i) + Number(k === j));
    const at = (i: number, j?: number) => heightFieldEnergy(problem, unit(i, j));
    const hessian = Matrix.zeros(count, count);
    const minusGradient: number[] = [];
    for (let i = 0; i < count; i++) {
      const opposite = heightFieldEnergy(
        problem,
        unit(i).map((h) => -h),
      );
      minusGradient.push((opposite - at(i)) / 2);
      for (let j = 0; j < count; j++) hessian.set(i, j, i === j ? at(i) + opposite : at(i, j) - at(i) - at(j));
    }
    const expected = solve(hessian, Matrix.columnVector(minusGradient)).to1DArray();
    expect(heights).toBeCloseToTensor(expected, { relative: 1e-2, absolute: 2e-2 });
  });
});
