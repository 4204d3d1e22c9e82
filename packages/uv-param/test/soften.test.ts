import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { softened } from '../src/soften.js';

describe('softened', () => {
  it('is two box blurs each way, seed 9', () => {
    const size = 16;
    const radius = 2;
    const random = createRandom(9);
    const map = { data: Uint8Array.from({ length: size * size }, () => random.integer(256)), size };
    const box = (data: Uint8Array, dx: number, dy: number) =>
      data.map((_, i) => {
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          const x = Math.min(size - 1, Math.max(0, (i % size) + k * dx));
          const y = Math.min(size - 1, Math.max(0, Math.floor(i / size) + k * dy));
          sum += data[y * size + x];
        }
        return sum / (2 * radius + 1);
      });
    const expected = box(box(box(box(map.data, 1, 0), 0, 1), 1, 0), 0, 1);
    expect(softened(map, radius).data).toEqual(expected);
  });
});
