import { createRandom, lumpyField } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import {
  type Field,
  isFaceError,
  opSmoothUnion,
  pointwiseField,
  type Rays,
  sdCapsule,
  sdSphere,
  sphereTrace,
} from '../src/index.js';

const BOUNDS = { min: [-0.2, -0.2, -0.2], max: [0.2, 0.2, 0.2] } as const;

/** Seeded rays from a sphere of 0.5 m inward, most of them at a ball of 0.1 m, some past it. */
function raysFor(seed: number, count: number): Rays {
  const random = createRandom(seed);
  const origins = new Float32Array(3 * count);
  const directions = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const from = [random.normal(), random.normal(), random.normal()];
    const scale = 0.5 / Math.hypot(...from);
    const origin = from.map((x) => x * scale);
    const to = [0, 1, 2].map(() => random.uniform(-0.1, 0.1));
    const away = to.map((x, k) => x - origin[k]);
    const length = Math.hypot(...away);
    origins.set(origin, 3 * i);
    directions.set(
      away.map((x) => x / length),
      3 * i,
    );
  }
  return { origins, directions };
}

/** Where rays first meet a ball around the origin; Infinity where they do not. */
function meetBall({ origins, directions }: Rays, radius: number): number[] {
  return Array.from({ length: origins.length / 3 }, (_, i) => {
    const o = origins.subarray(3 * i, 3 * i + 3);
    const d = directions.subarray(3 * i, 3 * i + 3);
    const b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2];
    const c = o[0] ** 2 + o[1] ** 2 + o[2] ** 2 - radius ** 2;
    return b * b > c ? -b - Math.sqrt(b * b - c) : Number.POSITIVE_INFINITY;
  });
}

const ball = pointwiseField((p) => sdSphere(p, [0, 0, 0], 0.1));

describe('sphereTrace', () => {
  it('finds a ball where it is', async () => {
    const rays = raysFor(1, 2000);
    const expected = meetBall(rays, 0.1);
    const { t, hit, positions, overshot, exhausted, steps } = await sphereTrace(ball, rays, { bounds: BOUNDS });
    expect(expected.filter(Number.isFinite).length).toBeGreaterThan(1000);
    let grazing = 0;
    expected.forEach((value, i) => {
      // A ray that passes within the tolerance may count either way.
      const miss = Math.hypot(
        ...[0, 1, 2].map((k) => {
          const along = [0, 1, 2].reduce((sum, a) => sum - rays.origins[3 * i + a] * rays.directions[3 * i + a], 0);
          return rays.origins[3 * i + k] + along * rays.directions[3 * i + k];
        }),
      );
      if (Math.abs(miss - 0.1) < 1e-4) {
        grazing++;
        return;
      }
      expect(exhausted[i]).toBe(0);
      expect(hit[i]).toBe(Number.isFinite(value) ? 1 : 0);
      if (hit[i]) {
        // Along a slanting ray the tolerance grows by 1 / cos.
        expect(Math.abs(Math.hypot(...positions.subarray(3 * i, 3 * i + 3)) - 0.1)).toBeLessThan(2.1e-5);
        expect(Math.abs(t[i] - value)).toBeLessThan(1e-3);
      } else expect(t[i]).toBe(Number.POSITIVE_INFINITY);
    });
    expect(grazing).toBeLessThan(20);
    expect(overshot).toEqual(new Uint8Array(2000));
    expect(steps.reduce((sum, n) => sum + n) / 2000).toBeLessThan(30);
  });

  it('goes back by bisection, and says so, where the field claims too much', async () => {
    const exaggerating: Field = async (points) => (await ball(points)).map((d) => 1.6 * d);
    const rays = raysFor(2, 500);
    const honest = await sphereTrace(ball, rays, { bounds: BOUNDS });
    const { hit, positions, overshot } = await sphereTrace(exaggerating, rays, {
      bounds: BOUNDS,
      stepScale: 1,
      maxStep: 1,
    });
    expect(overshot.filter(Boolean).length).toBeGreaterThan(100);
    overshot.forEach((flag, i) => {
      if (!flag) return;
      expect(hit[i]).toBe(1);
      expect(Math.abs(Math.hypot(...positions.subarray(3 * i, 3 * i + 3)) - 0.1)).toBeLessThan(1e-4);
    });
    const careful = await sphereTrace(exaggerating, rays, { bounds: BOUNDS, stepScale: 0.6 });
    expect(careful.overshot).toEqual(new Uint8Array(500));
    expect(careful.hit).toEqual(honest.hit);
  });

  it.each([3, 4, 5])('agrees with a march of tiny steps on a lumpy field, seed %i', async (seed) => {
    const { evaluate, lipschitz } = lumpyField(seed, 0.1);
    const field = pointwiseField(([x, y, z]) => evaluate(x, y, z));
    const rays = raysFor(seed, 60);
    const { t, hit } = await sphereTrace(field, rays, {
      bounds: BOUNDS,
      stepScale: 1 / lipschitz,
      maxSteps: 2000,
      minStep: 1e-6,
    });
    const step = 1e-4;
    for (let i = 0; i < 60; i++) {
      let first = Number.POSITIVE_INFINITY;
      for (let s = 0.15; s < 0.85; s += step) {
        const [x, y, z] = [0, 1, 2].map((k) => rays.origins[3 * i + k] + s * rays.directions[3 * i + k]);
        if (evaluate(x, y, z) <= 0) {
          first = s;
          break;
        }
      }
      if (Number.isFinite(first)) {
        expect(hit[i]).toBe(1);
        // The march may step over a graze that the tracer, which stops within its tolerance, counts; never the other way round.
        expect(t[i]).toBeLessThan(first + 1e-4);
      }
    }
  });

  it('leaves finished rays out and reports progress', async () => {
    const batches: number[] = [];
    const shares: number[] = [];
    const counted: Field = (points) => {
      batches.push(points.length / 3);
      return ball(points);
    };
    const { steps } = await sphereTrace(counted, raysFor(6, 300), {
      bounds: BOUNDS,
      onProgress: (share) => shares.push(share),
    });
    expect(batches).toEqual([...batches].sort((a, b) => b - a));
    expect(batches.reduce((a, b) => a + b)).toBe(steps.reduce((a, b) => a + b));
    expect(shares.at(-1)).toBe(1);
  });

  it('keeps a fillet closed and sees inside starts at once', async () => {
    const two = pointwiseField((p) =>
      opSmoothUnion(sdSphere(p, [-0.06, 0, 0], 0.06), sdSphere(p, [0.06, 0, 0], 0.06), 0.03),
    );
    const rays = {
      origins: new Float32Array([0, 0, 0.5, -0.06, 0, 0]),
      directions: new Float32Array([0, 0, -1, 1, 0, 0]),
    };
    const { hit, t } = await sphereTrace(two, rays, { maxDistance: 1 });
    expect(hit).toEqual(new Uint8Array([1, 1]));
    expect(t[1]).toBe(0);
    expect(t[0]).toBeLessThan(0.5);
  });

  it('says which rays ran out of steps', async () => {
    const { hit, exhausted } = await sphereTrace(ball, raysFor(7, 50), { bounds: BOUNDS, maxSteps: 2 });
    exhausted.forEach((flag, i) => expect(flag && hit[i]).toBe(0));
    expect(exhausted.some(Boolean)).toBe(true);
  });

  it('has steps left for what lies behind, after skimming along something', async () => {
    // .3 mm beside a rod for 60 mm, as past a neck; then a ball.
    const field = pointwiseField((p) =>
      Math.min(sdCapsule(p, [-0.03, 0, 0], [0.03, 0, 0], 0.01), sdSphere(p, [0.1, 0, 0], 0.03)),
    );
    const rays = { origins: new Float32Array([-0.15, 0.0103, 0]), directions: new Float32Array([1, 0, 0]) };
    const { hit, t, steps } = await sphereTrace(field, rays, { bounds: BOUNDS });
    expect(hit[0]).toBe(1);
    expect(t[0]).toBeCloseTo(0.25 - Math.sqrt(0.03 ** 2 - 0.0103 ** 2), 4);
    expect(steps[0]).toBeGreaterThan(160);
  });

  it('stops when told to', async () => {
    const controller = new AbortController();
    const slow: Field = (points) => {
      controller.abort();
      return ball(points);
    };
    await expect(sphereTrace(slow, raysFor(8, 10), { bounds: BOUNDS, signal: controller.signal })).rejects.toThrow(
      /abort/i,
    );
  });

  const one = { origins: new Float32Array(3), directions: new Float32Array([0, 0, 1]) };
  it.each([
    ['rays without directions', 'SHAPE', { ...one, directions: new Float32Array(6) }, { maxDistance: 1 }],
    ['origins that are not triples', 'SHAPE', { ...one, origins: new Float32Array(4) }, { maxDistance: 1 }],
    ['NaN', 'RANGE', { ...one, origins: new Float32Array([0, Number.NaN, 0]) }, { maxDistance: 1 }],
    [
      'directions that are not unit vectors',
      'RANGE',
      { ...one, directions: new Float32Array([0, 0, 2]) },
      { maxDistance: 1 },
    ],
    ['rays without an end', 'RANGE', one, {}],
    ['a step scale of 0', 'RANGE', one, { maxDistance: 1, stepScale: 0 }],
  ])('refuses %s', async (_, code, rays, options) => {
    await expect(sphereTrace(ball, rays, options)).rejects.toSatisfy((error) => isFaceError(error, code));
  });
});
