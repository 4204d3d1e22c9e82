import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { addSilhouetteLoss } from '../../src/losses/silhouette-loss.js';
import { createNormalEquations } from '../../src/normal-equations.js';
import { type Crop, distanceFromMask, lookUp } from '../../src/photo.js';
import { POSE_PARAMETERS } from '../../src/pose.js';
import { posePoints } from '../../src/surface-samples.js';
import { expectGaussNewton } from '../helpers/expect-gauss-newton.js';
import { pixelOf, somePose, someSamples } from '../helpers/scenes.js';

describe.each([1, 2, 3])('addSilhouetteLoss, seed %i', (seed) => {
  const random = createRandom(seed);
  const [count, codeSize] = [24, 4];
  const size = codeSize + POSE_PARAMETERS;
  const samples = someSamples(random, count, codeSize);
  const codes = Float64Array.from(random.uniforms(codeSize, -1, 1));
  const pose = somePose(random);
  const crop: Crop = { data: new Float32Array(0), width: 90, height: 80, channels: 3, left: 0, top: -10, scale: 1.25 };
  // A slanted half of the picture is the person, so about half of the samples stick out.
  const mask = { data: new Float32Array(90 * 80), width: 90, height: 80, channels: 1 };
  mask.data.forEach((_, i) => {
    mask.data[i] = (i % 90) + 0.4 * Math.floor(i / 90) > 70 ? 1 : 0;
  });
  const distance = distanceFromMask(mask);
  const [sigma, weight] = [1.5, 0.4];
  const still = new Float64Array(size);
  const place = (n: number, step: Float64Array) => {
    const { x, y } = pixelOf(samples, codes, pose, n, step);
    return [(x - crop.left) * crop.scale, (y - crop.top) * crop.scale];
  };
  const out = (n: number, step: Float64Array) => {
    const value = new Float64Array(1);
    const [px, py] = place(n, step);
    lookUp(distance, px, py, value);
    return value[0] / crop.scale;
  };
  const within = (n: number) => {
    const [px, py] = place(n, still);
    return px >= 1 && py >= 1 && px <= 89 && py <= 79;
  };
  const sticking = Array.from({ length: count }, (_, n) => n).filter((n) => within(n) && out(n, still) > 0);
  const add = (field = distance) => {
    const equations = createNormalEquations(size);
    addSilhouetteLoss(equations, samples, posePoints(samples, codes), pose, field, crop, sigma, weight);
    return equations;
  };

  it('adds the Gauss-Newton equations of what sticks out, and of nothing else', () => {
    expect(sticking.length).toBeGreaterThan(3);
    expect(sticking.length).toBeLessThan(count - 3);
    expectGaussNewton(
      add(),
      sticking.map((n) => ({
        residual: (step: Float64Array) => out(n, step),
        weight: weight / (sigma ** 2 * (1 + (out(n, still) / (6 * sigma)) ** 2) ** 2),
      })),
    );
  });

  it('is silent when everything is the person', () => {
    const everywhere = { ...mask, data: mask.data.map(() => 1) };
    expect(add(distanceFromMask(everywhere))).toEqual(createNormalEquations(size));
  });
});
