import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { TriangleSurface } from '../src/triangle-surface.js';

type V = [number, number, number];
const sub = (a: V, b: V): V => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: V, b: V) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const mix = (a: V, b: V, t: number): V => [
  a[0] + t * (b[0] - a[0]),
  a[1] + t * (b[1] - a[1]),
  a[2] + t * (b[2] - a[2]),
];

/** The distance to a segment. */
function toSegment(p: V, a: V, b: V): number {
  const ab = sub(b, a);
  const t = Math.min(Math.max(dot(sub(p, a), ab) / dot(ab, ab), 0), 1);
  return Math.hypot(...sub(p, mix(a, b, t)));
}

/** The distance to a triangle the slow way: its plane where the foot is inside, else its edges. */
function toTriangle(p: V, a: V, b: V, c: V): number {
  const [u, v, w] = [sub(b, a), sub(c, a), sub(p, a)];
  const [uu, uv, vv, wu, wv] = [dot(u, u), dot(u, v), dot(v, v), dot(w, u), dot(w, v)];
  const determinant = uu * vv - uv * uv;
  const [s, t] = [(vv * wu - uv * wv) / determinant, (uu * wv - uv * wu) / determinant];
  if (s >= 0 && t >= 0 && s + t <= 1) {
    const foot: V = [a[0] + s * u[0] + t * v[0], a[1] + s * u[1] + t * v[1], a[2] + s * u[2] + t * v[2]];
    return Math.hypot(...sub(p, foot));
  }
  return Math.min(toSegment(p, a, b), toSegment(p, b, c), toSegment(p, c, a));
}

describe.each([1, 2])('a soup of triangles, seed %i', (seed) => {
  const random = createRandom(seed);
  const triangles = Uint32Array.from({ length: 300 }, (_, i) => i);
  const centres = random.uniforms(300, -1, 1);
  const some = () =>
    Float32Array.from({ length: 900 }, (_, i) => centres[3 * Math.floor(i / 9) + (i % 3)] + random.uniform(-0.2, 0.2));
  const surface = new TriangleSurface(some(), triangles);
  const positions = some();
  surface.move(positions);
  const corner = (i: number): V => [positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]];

  it('has the nearest distances that all triangles give, after it moved', () => {
    const points = random.uniforms(600, -1.5, 1.5);
    const expected = Float32Array.from({ length: 200 }, (_, i) => {
      const p: V = [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
      return Math.min(
        ...Array.from({ length: 100 }, (_, f) => toTriangle(p, corner(3 * f), corner(3 * f + 1), corner(3 * f + 2))),
      );
    });
    expect(surface.distances(points)).toBeCloseToTensor(expected, 1e-6);
  });

  it('is hit by rays at places on it, and nowhere before', () => {
    const origins = random.uniforms(300, -2, 2);
    const directions = new Float32Array(300);
    for (let i = 0; i < 100; i++) {
      const to = random.uniforms(3, -1, 1).map((x, k) => x - origins[3 * i + k]);
      const length = Math.hypot(...to);
      directions.set(
        to.map((x) => x / length),
        3 * i,
      );
    }
    const { t, cosine } = surface.hits(origins, directions);
    const hit = t.filter(Number.isFinite).length;
    expect(hit).toBeGreaterThan(15);
    for (let i = 0; i < 100; i++) {
      const at = (s: number) => origins.subarray(3 * i, 3 * i + 3).map((x, k) => x + s * directions[3 * i + k]);
      if (!Number.isFinite(t[i])) continue;
      expect(surface.distances(at(t[i]))[0]).toBeLessThan(1e-5);
      expect(cosine[i]).toBeLessThanOrEqual(1 + 1e-6);
      for (let s = 0; s < t[i] - 0.02; s += 0.01) expect(surface.distances(at(s))[0]).toBeGreaterThan(0);
    }
  });

  it('is sampled on the chosen triangles, by area', () => {
    const chosen = Uint32Array.from([3, 50]);
    const { points, normals } = surface.sample(chosen, 4000, random);
    const area = (f: number) => {
      const [u, v] = [sub(corner(3 * f + 1), corner(3 * f)), sub(corner(3 * f + 2), corner(3 * f))];
      return Math.sqrt(dot(u, u) * dot(v, v) - dot(u, v) ** 2);
    };
    let first = 0;
    for (let i = 0; i < 4000; i++) {
      const p: V = [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
      const [a, b] = [3, 50].map((f) => toTriangle(p, corner(3 * f), corner(3 * f + 1), corner(3 * f + 2)));
      expect(Math.min(a, b)).toBeLessThan(1e-6);
      if (a < b) first++;
      expect(Math.hypot(...normals.subarray(3 * i, 3 * i + 3))).toBeCloseTo(1, 5);
    }
    expect(first / 4000).toBeCloseTo(area(3) / (area(3) + area(50)), 1);
  });
});
