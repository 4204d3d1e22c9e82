import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { addPairLoss } from '../../src/losses/pair-loss.js';
import { createNormalEquations } from '../../src/normal-equations.js';
import { POSE_PARAMETERS } from '../../src/pose.js';
import { posePoints } from '../../src/surface-samples.js';
import { expectGaussNewton } from '../helpers/expect-gauss-newton.js';
import { pixelOf, somePose, someSamples } from '../helpers/scenes.js';

describe.each([1, 2, 3])('addPairLoss, seed %i', (seed) => {
  const random = createRandom(seed);
  const [count, codeSize] = [8, 5];
  const size = codeSize + POSE_PARAMETERS;
  const samples = someSamples(random, count, codeSize);
  const codes = Float64Array.from(random.uniforms(codeSize, -1, 1));
  const pose = somePose(random);
  const pairs = [
    [0, 3],
    [5, 1],
    [3, 7],
  ] as const; // landmark 3 is in two of them
  const target = { points: random.uniforms(2 * count, 0, 80), sigma: new Float32Array(count).fill(1) };
  const add = (points: Float32Array) => {
    const equations = createNormalEquations(size);
    addPairLoss(equations, samples, posePoints(samples, codes), pose, { ...target, points }, pairs, 1.5, 0.8);
    return equations;
  };

  it('adds the Gauss-Newton equations of the vectors between pairs', () => {
    expectGaussNewton(
      add(target.points),
      pairs.flatMap(([a, b]) =>
        (['x', 'y'] as const).map((axis, i) => ({
          residual: (step: Float64Array) =>
            pixelOf(samples, codes, pose, a, step)[axis] -
            pixelOf(samples, codes, pose, b, step)[axis] -
            (target.points[2 * a + i] - target.points[2 * b + i]),
          weight: 0.8 / 1.5 ** 2,
        })),
      ),
    );
  });

  it('does not care where the pairs are together', () => {
    const moved = target.points.map((v, i) => v + (i % 2 ? 64 : -32));
    expect(add(moved).gradient).toBeCloseToTensor(add(target.points).gradient, { relative: 1e-3, absolute: 1 });
  });
});
