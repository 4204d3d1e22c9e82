import { expect, it } from 'vitest';
import { reportMesh, tetrahedron } from '../src/index.js';

it('measures a tetrahedron', () => {
  const report = reportMesh(tetrahedron());
  expect(report).toMatchObject({
    openEdges: 0,
    repeatedEdges: 0,
    degenerateFaces: 0,
    unusedVertices: 0,
    eulerNumber: 2,
  });
  expect(report.volume).toBeCloseTo(8 / 3);
  expect(report.area).toBeCloseTo(8 * Math.sqrt(3));
});

it('sees a hole, a flipped face, a repeated face and a collapsed one', () => {
  const { positions, indices } = tetrahedron();
  const report = (changed: number[]) => reportMesh({ positions, indices: new Uint32Array(changed) });
  expect(report([...indices.slice(3)]).openEdges).toBe(3);
  expect(report([0, 2, 1, ...indices.slice(3)])).toMatchObject({ openEdges: 3, repeatedEdges: 3 });
  expect(report([...indices, 0, 1, 2]).repeatedEdges).toBe(3);
  expect(report([...indices, 0, 0, 2]).degenerateFaces).toBe(1);
});
