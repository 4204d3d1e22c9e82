import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { addLandmarkLoss } from '../../src/losses/landmark-loss.js';
import { createNormalEquations } from '../../src/normal-equations.js';
import { POSE_PARAMETERS } from '../../src/pose.js';
import { posePoints } from '../../src/surface-samples.js';
import { expectGaussNewton } from '../helpers/expect-gauss-newton.js';
import { differentiate, pixelOf, somePose, someSamples } from '../helpers/scenes.js';

describe.each([1, 2, 3])('addLandmarkLoss, seed %i', (seed) => {
  const random = createRandom(seed);
  const [count, codeSize] = [8, 5];
  const size = codeSize + POSE_PARAMETERS;
  const samples = someSamples(random, count, codeSize);
  const codes = Float64Array.from(random.uniforms(codeSize, -1, 1));
  const pose = somePose(random);
  const sigma = random.uniforms(count, 0.5, 4);
  const still = new Float64Array(size);
  const points = Float32Array.from({ length: 2 * count }, (_, i) => {
    const { x, y } = pixelOf(samples, codes, pose, i >> 1, still);
    return (i & 1 ? y : x) + 4 * random.normal();
  });
  const weight = 0.7;
  const equations = createNormalEquations(size);
  addLandmarkLoss(equations, samples, posePoints(samples, codes), pose, { points, sigma }, weight);
  const indices = Array.from({ length: count }, (_, n) => n);
  /** Squared distance in standard deviations. */
  const squared = (n: number, step: Float64Array) => {
    const { x, y } = pixelOf(samples, codes, pose, n, step);
    return ((x - points[2 * n]) ** 2 + (y - points[2 * n + 1]) ** 2) / sigma[n] ** 2;
  };

  it('adds the Gauss-Newton equations of its reweighted residuals', () => {
    expectGaussNewton(
      equations,
      indices.flatMap((n) =>
        (['x', 'y'] as const).map((axis, i) => ({
          residual: (step: Float64Array) => pixelOf(samples, codes, pose, n, step)[axis] - points[2 * n + i],
          weight: weight / sigma[n] ** 2 / (1 + squared(n, still) / 16) ** 2,
        })),
      ),
    );
  });

  it('has the gradient of the Geman-McClure cost', () => {
    const cost = (step: Float64Array) =>
      indices.reduce((sum, n) => sum + (weight * squared(n, step)) / (1 + squared(n, step) / 16), 0);
    const expected = differentiate(cost, size).map((g) => g / 2);
    expect(equations.gradient).toBeCloseToTensor(expected, {
      relative: 1e-3,
      absolute: 1e-4 * Math.max(...expected.map(Math.abs)),
    });
  });
});
