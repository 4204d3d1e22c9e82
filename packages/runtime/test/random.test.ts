import { expect, it } from 'vitest';
import { createSeededRandom } from '../src/index.js';

it('is the same for a seed, another for another, and even', () => {
  const draw = (seed: number) => Array.from({ length: 4000 }, createSeededRandom(seed));
  const numbers = draw(1);
  expect(draw(1)).toEqual(numbers);
  expect(draw(2)[0]).not.toBe(numbers[0]);
  // The generator's published first number for seed 1.
  expect(numbers[0]).toBeCloseTo(0.6270739405881613, 12);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.reduce((a, b) => a + b) / 4000).toBeCloseTo(0.5, 1);
});
