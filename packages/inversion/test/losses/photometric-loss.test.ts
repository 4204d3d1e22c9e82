import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { addPhotometricLoss } from '../../src/losses/photometric-loss.js';
import { createNormalEquations } from '../../src/normal-equations.js';
import { lookUp } from '../../src/photo.js';
import { POSE_PARAMETERS } from '../../src/pose.js';
import { posePoints } from '../../src/surface-samples.js';
import { expectGaussNewton } from '../helpers/expect-gauss-newton.js';
import { pixelOf, somePhoto, somePose, someSamples } from '../helpers/scenes.js';

describe.each([1, 2, 3])('addPhotometricLoss, seed %i', (seed) => {
  const random = createRandom(seed);
  const [count, codeSize] = [10, 4];
  const size = codeSize + POSE_PARAMETERS;
  const samples = someSamples(random, count, codeSize);
  const codes = Float64Array.from(random.uniforms(codeSize, -1, 1));
  const pose = somePose(random);
  const photo = somePhoto(random, -4);
  const predicted = random.uniforms(3 * count, -4, 0);
  const trust = random.uniforms(count).map((t) => (t < 0.3 ? 0 : t));
  const add = (weights: Float32Array) => {
    const equations = createNormalEquations(size);
    addPhotometricLoss(equations, samples, posePoints(samples, codes), pose, photo, predicted, weights, 2.5);
    return equations;
  };

  it('adds the Gauss-Newton equations of the three channels', () => {
    const colour = (n: number, step: Float64Array) => {
      const { x, y } = pixelOf(samples, codes, pose, n, step);
      const values = new Float64Array(3);
      lookUp(photo, (x - photo.left) * photo.scale, (y - photo.top) * photo.scale, values);
      return values;
    };
    expectGaussNewton(
      add(trust),
      Array.from({ length: 3 * count }, (_, i) => ({
        residual: (step: Float64Array) => colour(Math.floor(i / 3), step)[i % 3] - predicted[i],
        weight: 2.5 * trust[Math.floor(i / 3)],
      })),
    );
  });

  it('is silent where nothing is trusted', () => {
    expect(add(new Float32Array(count))).toEqual(createNormalEquations(size));
  });
});
