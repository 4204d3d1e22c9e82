import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { opSmoothUnion, opSubtraction, opUnion, sdBox, sdCapsule, sdSphere, type Vec3 } from '../src/index.js';

const random = createRandom(11);
const point = (): Vec3 => [random.uniform(-2, 2), random.uniform(-2, 2), random.uniform(-2, 2)];

describe('primitives', () => {
  it('have known values', () => {
    expect(sdSphere([0, 0, 0], [0, 0, 0], 1)).toBe(-1);
    expect(sdSphere([0, 3, 4], [0, 0, 0], 1)).toBe(4);
    expect(sdBox([0, 0, 0], [0, 0, 0], [1, 2, 3])).toBe(-1);
    expect(sdBox([4, 6, 0], [0, 0, 0], [1, 2, 3])).toBe(5);
    expect(sdCapsule([0, 3, 0], [-1, 0, 0], [1, 0, 0], 0.5)).toBe(2.5);
    expect(sdCapsule([4, 4, 0], [-1, 0, 0], [1, 0, 0], 0.5)).toBe(4.5);
    expect(sdCapsule([0, 1, 0], [0, 0, 0], [0, 0, 0], 0.5)).toBe(0.5);
  });

  it('never change faster than their point moves', () => {
    const shapes = [
      (p: Vec3) => sdSphere(p, [0.1, 0, 0], 0.7),
      (p: Vec3) => sdBox(p, [0, 0.2, 0], [0.5, 0.3, 0.9]),
      (p: Vec3) => sdCapsule(p, [-0.5, 0, 0], [0.5, 0.2, 0], 0.2),
      (p: Vec3) => opSmoothUnion(sdSphere(p, [-0.5, 0, 0], 0.6), sdBox(p, [0.5, 0, 0], [0.3, 0.3, 0.3]), 0.4),
    ];
    for (let i = 0; i < 300; i++) {
      const [a, b] = [point(), point()];
      const moved = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      for (const shape of shapes) expect(Math.abs(shape(a) - shape(b))).toBeLessThanOrEqual(moved + 1e-12);
    }
  });

  it('join and cut', () => {
    expect(opUnion(1, -2)).toBe(-2);
    expect(opSubtraction(-2, -0.5)).toBe(0.5);
    expect(opSmoothUnion(0, 0, 0.4)).toBeCloseTo(-0.1, 12);
    expect(opSmoothUnion(1, 0.5, 0.4)).toBe(0.5);
    for (let i = 0; i < 100; i++) {
      const [a, b] = [random.uniform(-1, 1), random.uniform(-1, 1)];
      const lower = opUnion(a, b) - opSmoothUnion(a, b, 0.4);
      expect(lower).toBeGreaterThanOrEqual(0);
      expect(lower).toBeLessThanOrEqual(0.1 + 1e-12);
    }
  });
});
