import { pointwiseField } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { differenceGradients, FARTHEST, projectToZeroSet } from '../src/zero-set.js';

const random = createRandom(4);
const points = ballPoints();

/** Points around a ball of 0.1 m, up to 15 mm off its surface. */
function ballPoints(): Float32Array {
  const result = new Float32Array(600);
  for (let i = 0; i < 200; i++) {
    const p = [random.normal(), random.normal(), random.normal()];
    const scale = (0.1 + random.uniform(-0.015, 0.015)) / Math.hypot(...p);
    result.set(
      p.map((x) => x * scale),
      3 * i,
    );
  }
  return result;
}

describe('projectToZeroSet', () => {
  const radius = (i: number, at: Float32Array) => Math.hypot(at[3 * i], at[3 * i + 1], at[3 * i + 2]);

  it.each([
    ['a distance', (r: number) => r - 0.1],
    ['half a distance', (r: number) => (r - 0.1) / 2],
    ['twice a distance', (r: number) => 2 * (r - 0.1)],
    ['a bent distance', (r: number) => Math.expm1(30 * (r - 0.1)) / 30],
  ])('finds the surface of %s', async (_, shape) => {
    const field = pointwiseField(([x, y, z]) => shape(Math.hypot(x, y, z)));
    const { points: on, distances, found } = await projectToZeroSet(field, points);
    for (let i = 0; i < 200; i++) {
      expect(found[i]).toBe(1);
      expect(radius(i, on)).toBeCloseTo(0.1, 4);
      expect(Math.abs(distances[i] - Math.abs(radius(i, points) - 0.1))).toBeLessThan(5e-5);
    }
  });

  it('counts as farthest what is not there', async () => {
    const { distances, found } = await projectToZeroSet(
      pointwiseField(() => 0.001),
      points,
    );
    expect(found).toEqual(new Uint8Array(200));
    expect(distances).toEqual(new Float32Array(200).fill(FARTHEST));
  });

  it('takes the nearer of two crossings where the slope misleads', async () => {
    // A thin shell 1 mm outside, beside a slope that points far inside.
    const field = pointwiseField(([x, y, z]) => {
      const r = Math.hypot(x, y, z);
      return Math.min(0.15 * (r - 0.05), Math.abs(r - 0.1) - 0.0005);
    });
    const start = new Float32Array([0, 0, 0.0995 - 0.001]);
    const { distances } = await projectToZeroSet(field, start);
    expect(distances[0]).toBeCloseTo(0.001, 4);
  });
});

it('has gradients by differences', async () => {
  const field = pointwiseField(([x, y, z]) => 2 * x - 3 * y + 0.5 * z);
  const gradients = await differenceGradients(field, points);
  expect(gradients).toBeCloseToTensor(
    points.map((_, i) => [2, -3, 0.5][i % 3]),
    1e-3,
  );
});
