import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isFaceError } from '@implicit-faces/runtime';
import { reportMesh } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { createFaceKit, loadFaceKit } from '../src/face-kit.js';
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

  it('is linear in its codes', () => {
    const identity = new Float32Array(100);
    const expression = new Float32Array(57);
    identity[3] = 2;
    expression[kit.expressionNames.indexOf('jawOpen')] = 1;
    const both = kit.pose(identity, expression);
    const one = kit.pose(identity, new Float32Array(57));
    const other = kit.pose(new Float32Array(100), expression);
    expect(both).toBeCloseToTensor(
      kit.neutral.map((x, i) => one[i] + other[i] - x),
      1e-6,
    );
    expect(Math.max(...other.map((x, i) => Math.abs(x - kit.neutral[i])))).toBeGreaterThan(0.02);
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

it('refuses other data', async () => {
  await expect(loadFaceKit('/nowhere')).rejects.toThrow(/nowhere.*--data/);
  expect(() => createFaceKit({})).toThrow(expect.toSatisfy((error) => isFaceError(error, 'DATA')));
});
