import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { addToGram, createGram, flushGram } from '../src/gram.js';

describe('createGram', () => {
  // Sizes that are whole blocks and that are not, counts below, at and beyond what waits.
  it.each([
    [1, 1],
    [3, 96],
    [7, 5],
    [8, 97],
    [9, 300],
    [40, 191],
  ])('sums products of %i parameters over %i rows, one after the other', (size, count) => {
    const random = createRandom(size + count);
    const expected = Float64Array.from({ length: size * size }, random.normal);
    const received = expected.slice();
    const gram = createGram(received, size);
    for (let n = 0; n < count; n++) {
      const [x, y] = [0, 1].map(() => Float64Array.from({ length: size }, random.normal));
      const [p, q] = [random.normal(), random.normal()];
      addToGram(gram, p, x, q, y);
      const row = x.map((v, k) => p * v + q * y[k]);
      for (let i = 0; i < size; i++) for (let j = i; j < size; j++) expected[i * size + j] += row[i] * row[j];
    }
    flushGram(gram);
    expect(received).toBeCloseToTensor(expected, 1e-10);
    flushGram(gram);
    expect(received).toBeCloseToTensor(expected, 1e-10);
  });
});
