import { addTuning } from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { tuningBasis, tuningOf, tuningSamples } from '../../src/stages/finetune.js';
import { posePoints } from '../../src/surface-samples.js';
import { someSamples } from '../helpers/scenes.js';

describe.each([1, 2, 3])('tuning, seed %i', (seed) => {
  const random = createRandom(seed);
  const [count, codeSize, geometry] = [40, 6, 4];
  const samples = someSamples(random, count, codeSize);
  const codes = Float64Array.from(random.uniforms(codeSize, -1, 1));
  const sigma = 0.002;
  const basis = tuningBasis(samples, geometry, 5, sigma);
  const own = tuningSamples(samples, geometry, basis, codes);

  it('moves places as the avatar does, and its Jacobian is that of finite differences', () => {
    const parameters = Float64Array.from(random.uniforms(3 * basis.count, -1, 1));
    const moved = addTuning(posePoints(samples, codes), samples.jacobian, geometry, tuningOf(parameters, basis));
    expect(posePoints(own, parameters)).toBeCloseToTensor(moved, 1e-6);
    for (let k = 0; k < parameters.length; k++) {
      const at = (step: number) => {
        const there = tuningOf(
          parameters.map((p, j) => (j === k ? p + step : p)),
          basis,
        );
        return addTuning(posePoints(samples, codes), samples.jacobian, geometry, there);
      };
      const [up, down] = [at(20), at(-20)];
      const slope = up.map((p, i) => (p - down[i]) / 40);
      const row = slope.map((_, i) => own.jacobian[i * own.codeSize + k]);
      expect(row).toBeCloseToTensor(slope, { relative: 1e-3, absolute: 1e-6 });
    }
  });

  it('of N(0, 1) parameters moves a coordinate by sigma, by the directions that move most', () => {
    const all = tuningBasis(samples, geometry, 12, 1);
    const squares = (of: typeof basis, k: number) => {
      const { jacobian, codeSize: width } = tuningSamples(samples, geometry, of, codes);
      let sum = 0;
      for (let n = 0; n < count; n++) sum += jacobian[3 * n * width + k] ** 2 / count;
      return sum;
    };
    const variances = Array.from({ length: basis.count }, (_, k) => squares(basis, k));
    expect(variances.reduce((a, b) => a + b)).toBeCloseTo(sigma ** 2, 9);
    const whole = Array.from({ length: all.count }, (_, k) => squares(all, k));
    expect(whole).toEqual([...whole].sort((a, b) => b - a));
    expect(whole.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });
});
