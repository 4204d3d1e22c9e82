import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { bakeGrid, gridField, isFaceError, pointwiseField, sampleGrid, sdSphere, sphereTrace } from '../src/index.js';

const BOUNDS = { min: [-1, -2, -3], max: [1, 2, 3] } as const;
const SIZE = [5, 7, 9] as const;

describe('bakeGrid', () => {
  it('keeps a field that is linear along each axis as it is, over several batches', async () => {
    const field = pointwiseField(([x, y, z]) => 1 + x - 2 * y + 3 * z + 0.5 * x * y - 0.25 * x * y * z);
    const shares: number[] = [];
    const grid = await bakeGrid(field, {
      bounds: BOUNDS,
      size: SIZE,
      batchSize: 50,
      onProgress: (share) => shares.push(share),
    });
    expect(shares.length).toBe(7);
    expect(shares.at(-1)).toBe(1);
    const random = createRandom(3);
    const points = Float32Array.from({ length: 600 }, (_, i) => random.uniform(BOUNDS.min[i % 3], BOUNDS.max[i % 3]));
    const out = new Float32Array(200);
    expect(sampleGrid(grid, points, out)).toBe(out);
    expect(out).toBeCloseToTensor(await field(points), 1e-5);
  });

  it('holds the border outside', async () => {
    const grid = await bakeGrid(
      pointwiseField(([x]) => x),
      { bounds: BOUNDS, size: SIZE },
    );
    expect(sampleGrid(grid, new Float32Array([-9, 0, 0, 9, 0, 0]))).toEqual(new Float32Array([-1, 1]));
  });

  it('nears a ball as it is refined, and can be traced', async () => {
    const ball = pointwiseField((p) => sdSphere(p, [0, 0, 0], 0.5));
    const box = { min: [-1, -1, -1], max: [1, 1, 1] } as const;
    const rays = { origins: new Float32Array([0.1, 0.07, 2]), directions: new Float32Array([0, 0, -1]) };
    const truth = 2 - Math.sqrt(0.25 - 0.1 ** 2 - 0.07 ** 2);
    const error = async (size: number) => {
      const grid = await bakeGrid(ball, { bounds: box, size });
      const { t } = await sphereTrace(gridField(grid), rays, { bounds: box, tolerance: 1e-6 });
      return Math.abs(t[0] - truth);
    };
    const [coarse, fine] = [await error(9), await error(33)];
    expect(coarse).toBeLessThan(0.05);
    expect(fine).toBeLessThan(coarse / 6);
  });

  it.each([
    ['a size of 1', { bounds: BOUNDS, size: 1 }],
    ['a broken size', { bounds: BOUNDS, size: [4, 4, 4.5] as const }],
    ['an empty box', { bounds: { min: [0, 0, 0], max: [1, 0, 1] } as const, size: 4 }],
  ])('refuses %s', async (_, options) => {
    await expect(
      bakeGrid(
        pointwiseField(() => 0),
        options,
      ),
    ).rejects.toSatisfy((error) => isFaceError(error, 'RANGE'));
  });

  it('stops when told to', async () => {
    const options = { bounds: BOUNDS, size: 4, signal: AbortSignal.abort() };
    await expect(
      bakeGrid(
        pointwiseField(() => 0),
        options,
      ),
    ).rejects.toThrow(/abort/i);
  });
});
