import { reportMesh } from '@implicit-faces/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { avatarMeshes, computeArkitRig, type FaceModel } from '../src/index.js';
import { cutNeck, loadTinyModel, tinyAvatar } from './tiny-avatar.js';

let model: FaceModel;
beforeAll(async () => {
  model = await loadTinyModel();
});
afterAll(() => model.dispose());

describe('avatarMeshes', () => {
  it('makes one mesh per part, where the distance is zero, with outward normals', async () => {
    const avatar = tinyAvatar(model, [0.3, 0.8, 0]);
    const meshes = await avatarMeshes(model, avatar);
    expect(meshes.map(({ name }) => name)).toEqual(model.manifest.parts);
    const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
    for (const [part, { positions, normals, uvs, indices, image }] of meshes.entries()) {
      const count = positions.length / 3;
      expect([normals.length / 3, uvs.length / 2]).toEqual([count, count]);
      expect(Math.max(...indices)).toBe(count - 1);
      expect(image.data.length).toBe(4 * image.width * image.height);
      const { partDistances } = await model.sdf.evaluateParts(positions, codes);
      const own = partDistances.filter((_, i) => i % 6 === part);
      expect(own).toBeCloseToTensor(new Float32Array(count), 1e-6);
      const further = positions.map((value, i) => value + 0.001 * normals[i]);
      const outside = await model.sdf.evaluateParts(further, codes);
      expect(Math.min(...outside.partDistances.filter((_, i) => i % 6 === part))).toBeGreaterThan(0.0009);
    }
    expect(meshes[0].image).toBe(avatar.albedo);
    expect([...meshes[3].image.data.subarray(0, 4)]).toEqual([120, 120, 120, 255]);
  });

  it('closes a neck where told to, and a rig comes to the same', async () => {
    const cut = await cutNeck(model);
    expect(cut.uv.topology.skin.triangles.length).toBeLessThan(0.7 * model.uv.topology.skin.triangles.length);
    const avatar = tinyAvatar(model, [0.3, 0.8, 0]);
    const [open] = await avatarMeshes(cut, avatar);
    const [closed, ...parts] = await avatarMeshes(cut, avatar, { closeNeck: true });
    expect(parts.length).toBe(5);
    expect(reportMesh({ positions: closed.positions, indices: closed.indices }).openEdges).toBe(0);
    expect(closed.indices.length).toBeGreaterThan(open.indices.length);
    expect(closed.normals.subarray(0, open.normals.length)).toEqual(open.normals);
    const count = closed.positions.length / 3;
    expect([closed.normals.length / 3, closed.uvs.length / 2]).toEqual([count, count]);

    const { weights, meshes } = await computeArkitRig(cut, avatar, { closeNeck: true });
    const posed = meshes[0].positions.map((base, i) =>
      meshes[0].targets.reduce((sum, target, k) => sum + weights[k] * (target?.positions[i] ?? 0), base),
    );
    expect(posed).toBeCloseToTensor(closed.positions, 1e-5);
    expect(meshes[0].targets.some((target) => target && target.normals.length === posed.length)).toBe(true);
  });

  it('takes places of the skin that are known already, and refuses those of another mesh', async () => {
    const avatar = tinyAvatar(model, [0.3, 0.8, 0]);
    const expected = await avatarMeshes(model, avatar);
    const silent = { ...model, uv: { ...model.uv, surfaceFromUv: () => Promise.reject(new Error('asked')) } };
    expect(await avatarMeshes(silent, avatar, { skinPositions: expected[0].positions })).toEqual(expected);
    await expect(avatarMeshes(model, avatar, { skinPositions: new Float32Array(3) })).rejects.toMatchObject({
      code: 'SHAPE',
    });
  });

  it('takes another expression', async () => {
    const avatar = tinyAvatar(model, [0, 0, 0]);
    const other = tinyAvatar(model, [1, 0, 1]);
    const meshes = await avatarMeshes(model, avatar, { expression: other.expressionCode });
    expect(meshes).toEqual(await avatarMeshes(model, other));
  });

  it('refuses an avatar of another model, codes of another size, and stops when told to', async () => {
    const avatar = tinyAvatar(model, [0, 0, 0]);
    await expect(avatarMeshes(model, { ...avatar, modelId: 'other' })).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
    });
    await expect(avatarMeshes(model, { ...avatar, geometryCode: new Float32Array(9) })).rejects.toMatchObject({
      code: 'CODES',
    });
    await expect(avatarMeshes(model, avatar, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
