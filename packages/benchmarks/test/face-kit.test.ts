import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isFaceError } from '@implicit-faces/runtime';
import { createRandom, reportMesh } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { createFaceKit, type FaceKit, loadFaceKit } from '../src/face-kit.js';
import { createTestSet, TEST_SET_SIZE } from '../src/test-set.js';

const DATA = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const present = existsSync(`${DATA}/facekit/facekit.npz`);
if (!present) console.warn(`\n!! ${DATA} is not there, so THE TESTS OF THE GENERATOR'S DATA DO NOT RUN.\n`);

describe.skipIf(!present)('the generator', async () => {
  const kit = present ? await loadFaceKit(DATA) : ({} as Awaited<ReturnType<typeof loadFaceKit>>);

  it('has a closed skin in metres that faces outward', () => {
    const report = reportMesh({ positions: kit.neutral, indices: kit.skin });
    expect(report.volume).toBeGreaterThan(0.003);
    expect(report.volume).toBeLessThan(0.008);
    expect(kit.skin.length / 3).toBeGreaterThan(28000);
    expect(kit.all.length).toBeGreaterThan(kit.skin.length);
    expect(kit.all.slice(0, kit.skin.length)).toEqual(kit.skin);
  });

  it('has lips in the middle of the face and lids on both sides', () => {
    const middle = (triangles: Uint32Array, axis: number) =>
      triangles.reduce((sum, t) => sum + kit.neutral[3 * kit.skin[3 * t] + axis], 0) / triangles.length;
    const { face, lips, lids } = kit.regions;
    for (const region of [face, lips, lids]) expect(Math.abs(middle(region, 0))).toBeLessThan(2e-3);
    expect(middle(lids, 1) - middle(lips, 1)).toBeGreaterThan(0.05);
    expect(lips.length).toBeGreaterThan(300);
    expect(lids.length).toBeGreaterThan(300);
    expect(face.length).toBeGreaterThan(10000);
  });

  it('sums linearly in its codes', () => {
    const identity = new Float32Array(100);
    const expression = new Float32Array(57);
    identity[3] = 2;
    expression[kit.expressionNames.indexOf('jawOpen')] = 1;
    const none = kit.linearSum(new Float32Array(100), new Float32Array(57));
    const both = kit.linearSum(identity, expression);
    const one = kit.linearSum(identity, new Float32Array(57));
    const other = kit.linearSum(new Float32Array(100), expression);
    expect(both).toBeCloseToTensor(
      none.map((x, i) => one[i] + other[i] - x),
      1e-6,
    );
    expect(Math.max(...other.map((x, i) => Math.abs(x - none[i])))).toBeGreaterThan(0.02);
  });

  it('lets lids rest on the eyeballs, and moves nothing else', () => {
    const random = createRandom(2);
    const poses: Record<string, number>[] = [
      { eyeBlink_L: 1, eyeBlink_R: 1 },
      { eyeSquint_L: 1, eyeBlink_L: 0.6, eyeWide_R: 1, browDown_R: 1 },
    ];
    for (const shapes of poses) {
      const identity = Float32Array.from({ length: 100 }, () => random.normal());
      const expression = Float32Array.from(kit.expressionNames, (name) => shapes[name] ?? 0);
      const [before, after] = [kit.linearSum(identity, expression), kit.pose(identity, expression)];
      const isMoved = (v: number) => [0, 1, 2].some((k) => Math.abs(after[3 * v + k] - before[3 * v + k]) > 1e-6);
      const moved = Array.from({ length: after.length / 3 }, (_, v) => v).filter(isMoved);
      expect(moved.length).toBeGreaterThan(100);
      expect(Math.max(...moved)).toBeLessThan(9409);
      const deepest = (positions: Float32Array) => Math.min(...moved.map((v) => heightOverEyes(kit, positions, v)));
      expect(deepest(before)).toBeLessThan(-5e-4);
      expect(deepest(after)).toBeGreaterThan(-3e-4);
    }
  });

  it('gives a seeded test set: every shape alone, then mixes alike on both sides', () => {
    const names = kit.expressionNames;
    const manifest = {
      id: 'x',
      codes: { geometry: 100, expression: 58, texture: 1 },
      expressionNames: [...names, 'tongueOut'],
    };
    const faces = createTestSet(manifest, names, 1);
    expect(faces).toEqual(createTestSet(manifest, names, 1));
    expect(faces.length).toBe(TEST_SET_SIZE);
    const weight = (i: number, name: string) => faces[i].expression[names.indexOf(name)];
    names.forEach((name, i) => {
      expect(weight(i, name)).toBe(1);
      expect(faces[i].expression.filter(Boolean).length).toBe(name === 'mouthClose' ? 2 : 1);
    });
    for (let i = 0; i < faces.length; i++) {
      expect(weight(i, 'mouthClose')).toBeLessThanOrEqual(weight(i, 'jawOpen'));
      if (i < names.length) continue;
      for (const name of names)
        if (name.endsWith('_L')) expect(weight(i, name)).toBe(weight(i, name.replace('_L', '_R')));
    }
    const all = faces.flatMap(({ geometry }) => [...geometry]);
    expect(all.reduce((sum, x) => sum + x * x, 0) / all.length).toBeCloseTo(1, 1);
  });
});

/** How high a vertex lies over the tangent plane of the nearest eyeball's nearest vertex, metres; both eyeballs at rest but for the identity. */
function heightOverEyes(kit: FaceKit, positions: Float32Array, vertex: number): number {
  const at = (v: number) => positions.subarray(3 * v, 3 * v + 3);
  const p = at(vertex);
  const eye = new Set(p[0] > 0 ? kit.parts.eyeLeft : kit.parts.eyeRight);
  let nearest = at([...eye][0]);
  const distance = (q: Float32Array) => Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  const middle = [0, 0, 0];
  for (const v of eye) {
    if (distance(at(v)) < distance(nearest)) nearest = at(v);
    for (let k = 0; k < 3; k++) middle[k] += at(v)[k] / eye.size;
  }
  const outward = middle.map((x, k) => nearest[k] - x);
  return outward.reduce((sum, x, k) => sum + (x * (p[k] - nearest[k])) / Math.hypot(...outward), 0);
}

it('refuses other data', async () => {
  await expect(loadFaceKit('/nowhere')).rejects.toThrow(/nowhere.*--data/);
  expect(() => createFaceKit({})).toThrow(expect.toSatisfy((error) => isFaceError(error, 'DATA')));
});
