import { expect, it } from 'vitest';
import { AMBIGUOUS_FACES, CENTRE, cubeCase, EDGE_AXIS, EDGE_START } from '../src/tables.js';

const CASES = Array.from({ length: 256 }, (_, signs) => signs);
const JOINED = Array.from({ length: 64 }, (_, joined) => joined);

/** Every reading of every case. */
function everyCase(): { signs: number; joined: number }[] {
  return CASES.flatMap((signs) =>
    JOINED.filter((joined) => (joined & ~AMBIGUOUS_FACES[signs]) === 0).map((joined) => ({ signs, joined })),
  );
}

const endsOf = (edge: number) => [EDGE_START[edge], EDGE_START[edge] | (1 << EDGE_AXIS[edge])];
const middleOf = (edge: number) => {
  const [a, b] = endsOf(edge);
  return [0, 1, 2].map((axis) => (((a >> axis) & 1) + ((b >> axis) & 1)) / 2);
};

it('numbers twelve different edges', () => {
  expect(new Set(Array.from({ length: 12 }, (_, edge) => endsOf(edge).join())).size).toBe(12);
});

it('crosses exactly the edges whose ends differ, in all 256 cases and all readings of them', () => {
  expect(everyCase()).toHaveLength(656);
  for (const { signs, joined } of everyCase()) {
    const { edges, triangles, centre } = cubeCase(signs, joined);
    const used = new Set(triangles);
    for (let edge = 0; edge < 12; edge++) {
      const [a, b] = endsOf(edge);
      const isCrossed = ((signs >> a) & 1) !== ((signs >> b) & 1);
      expect(((edges >> edge) & 1) === 1).toBe(isCrossed);
      expect(used.has(edge)).toBe(isCrossed);
    }
    expect(used.has(CENTRE)).toBe(centre.length > 0);
  }
});

it('makes a disk of each loop: borders on the cube only, each edge twinned, none within a face', () => {
  const isInFace = (p: number, q: number) => {
    if (p === CENTRE || q === CENTRE) return false;
    const [a, b] = [middleOf(p), middleOf(q)];
    return a.some((value, axis) => value === b[axis] && value !== 0.5);
  };
  for (const { signs, joined } of everyCase()) {
    const { triangles } = cubeCase(signs, joined);
    const directed = new Set<string>();
    for (let t = 0; t < triangles.length; t += 3) {
      for (let k = 0; k < 3; k++) directed.add(`${triangles[t + k]} ${triangles[t + ((k + 1) % 3)]}`);
    }
    expect(directed.size).toBe(triangles.length);
    for (const key of directed) {
      const [p, q] = key.split(' ').map(Number);
      const hasTwin = directed.has(`${q} ${p}`);
      expect(hasTwin).toBe(!isInFace(p, q));
    }
  }
});

it('winds away from the inside: one corner inside, its normal points out', () => {
  for (let corner = 0; corner < 8; corner++) {
    const { triangles } = cubeCase(1 << corner, 0);
    expect(triangles).toHaveLength(3);
    const [a, b, c] = Array.from(triangles, middleOf);
    const u = b.map((value, k) => value - a[k]);
    const v = c.map((value, k) => value - a[k]);
    const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    const away = a.map((value, k) => value - ((corner >> k) & 1));
    expect(normal[0] * away[0] + normal[1] * away[1] + normal[2] * away[2]).toBeGreaterThan(0);
  }
});

it('counts the faces that can be read in two ways', () => {
  expect(AMBIGUOUS_FACES[0b10010110]).toBe(63); // a checkerboard of corners
  expect(AMBIGUOUS_FACES[0b00001111]).toBe(0); // a flat half
  expect(AMBIGUOUS_FACES[0b00001001]).toBe(0b010000); // a diagonal on -z
});
