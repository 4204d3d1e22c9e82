import { describe, expect, it } from 'vitest';
import * as sets from '../src/landmark-sets.js';
import fixture from './fixtures/astronaut.json' with { type: 'json' };

const loops = {
  FACE_OVAL: sets.FACE_OVAL,
  LIPS_OUTER: sets.LIPS_OUTER,
  LIPS_INNER: sets.LIPS_INNER,
  LEFT_EYE: sets.LEFT_EYE,
  RIGHT_EYE: sets.RIGHT_EYE,
  LEFT_BROW: sets.LEFT_BROW,
  RIGHT_BROW: sets.RIGHT_BROW,
};
const at = (i: number): [number, number] => [fixture.mediapipe[3 * i], fixture.mediapipe[3 * i + 1]];
const x = (i: number) => at(i)[0];
const y = (i: number) => at(i)[1];

/** Signed area of a loop: positive when it runs clockwise as seen. */
const area = (loop: readonly number[]) =>
  loop.reduce((sum, i, k) => {
    const next = loop[(k + 1) % loop.length];
    return sum + (x(i) * y(next) - x(next) * y(i)) / 2;
  }, 0);

/** How often the edges of a loop cross each other. */
function crossings(loop: readonly number[]): number {
  const edges = loop.map((i, k) => [at(i), at(loop[(k + 1) % loop.length])]);
  const side = ([ax, ay]: number[], [bx, by]: number[], [cx, cy]: number[]) =>
    Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
  let count = 0;
  edges.forEach(([a, b], i) =>
    edges.slice(i + 2).forEach(([c, d], j) => {
      if (i === 0 && i + 2 + j === edges.length - 1) return; // neighbours round the end
      if (side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)) count++;
    }),
  );
  return count;
}

describe.each(Object.entries(loops))('%s', (_, loop) => {
  it('is a simple loop of distinct landmarks', () => {
    expect(new Set(loop).size).toBe(loop.length);
    expect(loop.every((i) => i >= 0 && i < sets.LANDMARK_COUNT)).toBe(true);
    expect(crossings(loop)).toBe(0);
    expect(Math.abs(area(loop))).toBeGreaterThan(20);
  });
});

it('the oval surrounds everything else', () => {
  const bounds = (loop: readonly number[]) => [
    Math.min(...loop.map(x)),
    Math.min(...loop.map(y)),
    -Math.max(...loop.map(x)),
    -Math.max(...loop.map(y)),
  ];
  const oval = bounds(sets.FACE_OVAL);
  for (const loop of Object.values(loops).slice(1)) bounds(loop).forEach((v, k) => expect(v).toBeGreaterThan(oval[k]));
});

it("left is the subject's left, on the right of the picture", () => {
  expect(x(sets.LEFT_EYE_OUTER)).toBeGreaterThan(x(sets.RIGHT_EYE_OUTER));
  expect(Math.min(...sets.LEFT_EYE.map(x))).toBeGreaterThan(Math.max(...sets.RIGHT_EYE.map(x)));
  expect(Math.min(...sets.LEFT_BROW.map(x))).toBeGreaterThan(Math.max(...sets.RIGHT_BROW.map(x)));
});

describe('IBUG68_FROM_468', () => {
  const ibug = sets.IBUG68_FROM_468;
  const part = (from: number, to: number) => ibug.slice(from, to + 1);

  it('has 68 distinct landmarks', () => {
    expect(ibug).toHaveLength(68);
    expect(new Set(ibug).size).toBe(68);
  });

  it("runs as iBUG does, from the subject's right to the left", () => {
    for (const [from, to] of [
      [17, 26],
      [31, 35],
      [48, 54],
      [60, 64],
    ]) {
      const xs = part(from, to).map(x);
      expect(xs).toEqual([...xs].sort((a, b) => a - b));
    }
    // The jaw goes down to the chin and up again.
    expect(part(0, 8).map(y)).toEqual(
      part(0, 8)
        .map(y)
        .sort((a, b) => a - b),
    );
    expect(part(8, 16).map(y)).toEqual(
      part(8, 16)
        .map(y)
        .sort((a, b) => b - a),
    );
    expect(part(27, 30).map(y)).toEqual(
      part(27, 30)
        .map(y)
        .sort((a, b) => a - b),
    );
  });

  it('has its eyes, corners of the mouth and jaw where the sets have them', () => {
    expect([ibug[36], ibug[45]]).toEqual([sets.RIGHT_EYE_OUTER, sets.LEFT_EYE_OUTER]);
    for (const i of part(36, 41)) expect(sets.RIGHT_EYE).toContain(i);
    for (const i of part(42, 47)) expect(sets.LEFT_EYE).toContain(i);
    for (const i of part(48, 59)) expect(sets.LIPS_OUTER).toContain(i);
    for (const i of part(0, 16)) expect(sets.FACE_OVAL).toContain(i);
  });
});
