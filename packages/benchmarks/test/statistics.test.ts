import { expect, it } from 'vitest';
import { mean, median, quantile } from '../src/statistics.js';

it('averages and ranks', () => {
  const values = [4, 1, 3, 2, 10];
  expect(mean(values)).toBe(4);
  expect(median(values)).toBe(3);
  expect(median([1, 2])).toBe(1.5);
  expect(quantile(values, 1)).toBe(10);
  expect(quantile(values, 0.875)).toBe(7);
  expect(
    quantile(
      Float32Array.from({ length: 101 }, (_, i) => i),
      0.95,
    ),
  ).toBeCloseTo(95, 10);
  expect(mean([])).toBeNaN();
});
