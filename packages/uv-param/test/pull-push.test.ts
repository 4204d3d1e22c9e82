import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { pullPush } from '../src/pull-push.js';

describe('pullPush', () => {
  const size = 16;
  const random = createRandom(1);
  const sparse = random.uniforms(size * size).map((v) => (v < 0.1 ? 1 : 0));

  it('fills with a constant what is constant where it is known', () => {
    const values = new Float32Array(3 * size * size).map((_, i) =>
      sparse[Math.floor(i / 3)] ? [0.25, -1, 2][i % 3] : 99,
    );
    const filled = pullPush(values, sparse, size);
    expect(filled).toBeCloseToTensor(
      values.map((_, i) => [0.25, -1, 2][i % 3]),
      1e-6,
    );
  });

  it('keeps what is known, and fills with what lies between', () => {
    const values = random.uniforms(3 * size * size, -1, 1);
    const filled = pullPush(values, sparse, size);
    filled.forEach((value, i) => {
      if (sparse[Math.floor(i / 3)]) expect(value).toBe(values[i]);
      else expect(Math.abs(value)).toBeLessThan(1);
    });
  });

  it('takes nearby values rather than far ones', () => {
    const [left, right] = [0, size - 1];
    const weight = new Float32Array(size * size).map((_, i) => (i % size === left || i % size === right ? 1 : 0));
    const values = new Float32Array(3 * size * size).map((_, i) => (Math.floor(i / 3) % size === right ? 1 : 0));
    const filled = pullPush(values, weight, size);
    const row = (x: number) => filled[3 * (8 * size + x)];
    expect(row(2)).toBeLessThan(0.2);
    expect(row(13)).toBeGreaterThan(0.8);
    for (let x = 1; x < size; x++) expect(row(x)).toBeGreaterThanOrEqual(row(x - 1));
  });

  it('gives nothing where nothing is known', () => {
    const nothing = pullPush(random.uniforms(3 * size * size), new Float32Array(size * size), size);
    expect(nothing).toEqual(new Float32Array(3 * size * size));
  });
});
