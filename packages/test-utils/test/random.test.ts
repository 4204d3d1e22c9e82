import { expect, it } from 'vitest';
import { createRandom } from '../src/index.js';

it('repeats itself, and differs by seed', () => {
  const draw = (seed: number) => Array.from(createRandom(seed).uniforms(4));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

it.each([0, 1, 2, 12345])('has the right mean and spread, seed %i', (seed) => {
  const random = createRandom(seed);
  const values = Array.from({ length: 20_000 }, random.normal);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.04);
  for (let i = 0; i < 1000; i++) expect([0, 1, 2]).toContain(random.integer(3));
});
