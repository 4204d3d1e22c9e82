import { reportMesh } from '@implicit-faces/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaceModel, fieldMesh } from '../src/index.js';
import { loadTinyModel, tinyAvatar } from './tiny-avatar.js';

let model: FaceModel;
beforeAll(async () => {
  model = await loadTinyModel();
});
afterAll(() => model.dispose());

describe('fieldMesh', () => {
  it('is closed, wound outward and where the distance is zero', async () => {
    const avatar = tinyAvatar(model, [0.5, 0, 0.2]);
    const mesh = await fieldMesh(model, avatar, { cellSize: 0.006 });
    const report = reportMesh(mesh);
    expect([report.openEdges, report.repeatedEdges, report.degenerateFaces]).toEqual([0, 0, 0]);
    // A ball of 0.1 m with smaller ones on it.
    expect(report.volume).toBeGreaterThan(((4 * Math.PI) / 3) * 0.1 ** 3);
    const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
    const distances = await model.sdf.evaluate(mesh.positions, codes);
    // Within a cell the surface is taken to be flat; where two balls meet it is not.
    expect(Math.max(...distances.map(Math.abs))).toBeLessThan(0.002);
    expect(distances.reduce((sum, d) => sum + Math.abs(d), 0) / distances.length).toBeLessThan(0.0001);
  });

  it('refuses an avatar of another model and stops when told to', async () => {
    const avatar = tinyAvatar(model, [0, 0, 0]);
    await expect(fieldMesh(model, { ...avatar, modelId: 'other' })).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    await expect(fieldMesh(model, avatar, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
