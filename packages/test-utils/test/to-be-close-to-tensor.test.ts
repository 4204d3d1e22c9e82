import { expect, it } from 'vitest';
import { toBeCloseToTensor } from '../src/index.js';

it('accepts differences within the tolerance', () => {
  expect(new Float32Array([1, 2, 3])).toBeCloseToTensor([1, 2.0005, 3], 1e-3);
  expect([1000]).toBeCloseToTensor([1001], { relative: 1e-2 });
});

it('names the largest difference', () => {
  const result = toBeCloseToTensor([1, 2, 9], [1, 2.1, 3], 1e-3);
  expect(result.pass).toBe(false);
  expect(result.message()).toContain('largest difference at 2: expected 3, received 9');
});

it.each([
  [[Number.NaN], [1]],
  [[1], [Number.NaN]],
  [[1, 2], [1]],
])('refuses NaN and other lengths: %j against %j', (received, expected) => {
  expect(toBeCloseToTensor(received, expected, 1).pass).toBe(false);
});
