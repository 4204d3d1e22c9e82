import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { selectRank } from '../src/select.js';

describe('selectRank', () => {
  it.each([1, 2, 3, 4])('is the number that sorting puts there, seed %i', (seed) => {
    const random = createRandom(seed);
    for (let trial = 0; trial < 60; trial++) {
      const count = 1 + random.integer(40);
      // Few different numbers, or many; some in order already.
      const values = Float64Array.from({ length: count + 3 }, () =>
        trial % 2 ? random.integer(4) - 1 : random.normal(),
      );
      if (trial % 5 === 0) values.sort();
      const sorted = values.slice(0, count).sort();
      const rank = random.integer(count);
      const kept = values.slice(count);
      expect(selectRank(values, count, rank)).toBe(sorted[rank]);
      expect(values.slice(0, count).sort()).toEqual(sorted);
      expect(values.slice(count)).toEqual(kept);
    }
  });
});
