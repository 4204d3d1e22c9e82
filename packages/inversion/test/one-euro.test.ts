import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { createOneEuroFilter, createOneEuroRotation, rotationBetween } from '../src/one-euro.js';
import { rotationQuaternion, turnRotation } from '../src/pose.js';

const SETTINGS = { minCutoffHz: 1.5, beta: 5 };
const IDENTITY = new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]);
const deviation = (values: number[]) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
};

describe('createOneEuroFilter', () => {
  it('lets the first value through, and a value that stays', () => {
    const { filter, reset } = createOneEuroFilter(SETTINGS);
    expect(filter(new Float64Array([2, 3]), Number.NaN)).toEqual(new Float64Array([2, 3]));
    expect(filter(new Float64Array([2, 3]), 0.04)).toEqual(new Float64Array([2, 3]));
    reset();
    expect(filter(new Float64Array([7, 8]), 0.04)).toEqual(new Float64Array([7, 8]));
  });

  it('takes noise away at rest, and follows a jump within a tenth of a second (seed 1)', () => {
    const random = createRandom(1);
    const { filter } = createOneEuroFilter(SETTINGS);
    const noise = Array.from({ length: 200 }, () => 0.005 * random.normal());
    const smooth = noise.map((x) => filter(new Float64Array([x]), 1 / 30)[0]);
    expect(deviation(smooth.slice(20))).toBeLessThan(0.5 * deviation(noise.slice(20)));
    const jump = Array.from({ length: 3 }, () => filter(new Float64Array([1]), 1 / 30)[0]);
    expect(jump[2]).toBeGreaterThan(0.85);
  });
});

describe('createOneEuroRotation', () => {
  it('does for a turn about one axis what the other does for its angle', () => {
    const angles = [0, 0.1, 0.15, 0.3, 0.3, 0.31];
    const numbers = createOneEuroFilter(SETTINGS);
    const rotations = createOneEuroRotation(SETTINGS);
    for (const angle of angles) {
      const [expected] = numbers.filter(new Float64Array([angle]), 1 / 30);
      const turned = rotations.filter(turnRotation(IDENTITY, [0, angle, 0]), 1 / 30);
      expect(rotationBetween(IDENTITY, turned)[1]).toBeCloseTo(expected, 9);
    }
  });
});

describe('rotations', () => {
  it.each([
    [0.1, -0.2, 0.3],
    [0, 0, 0],
    [2, 1, -1.5],
    [0, Math.PI - 1e-4, 0],
  ])('come back: %f %f %f', (...w) => {
    const some = turnRotation(IDENTITY, [0.4, -0.3, 0.2]);
    expect(rotationBetween(some, turnRotation(some, w))).toBeCloseToTensor(w, 1e-6);
  });

  it('are quaternions of half the angle', () => {
    for (const angle of [0, 0.5, 3, -2]) {
      const [x, y, z, w] = rotationQuaternion(turnRotation(IDENTITY, [0, angle, 0]));
      expect([x, y, z, w]).toBeCloseToTensor([0, Math.sin(angle / 2), 0, Math.cos(angle / 2)], 1e-9);
    }
    const turn = rotationQuaternion(turnRotation(IDENTITY, [Math.PI, 0, 0]));
    expect(turn.map(Math.abs)).toBeCloseToTensor([1, 0, 0, 0], 1e-9);
  });
});
