import { createRandom } from '@implicit-faces/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Avatar, avatarMeshes, avatarSurface, type FaceModel } from '../src/index.js';
import { loadTinyModel, tinyAvatar } from './tiny-avatar.js';

let model: FaceModel;
let avatar: Avatar;
beforeAll(async () => {
  model = await loadTinyModel();
  avatar = tinyAvatar(model, [0.4, 0.3, 0.2]);
  avatar.tuning = createRandom(4).uniforms(9 * model.manifest.codes.geometry, -1, 1);
});
afterAll(() => model.dispose());

describe('an avatar with a tuning', () => {
  it('is moved along each axis by the sum of tuning * Jacobian', async () => {
    const uv = new Float32Array([0.3, 0.4, 0.7, 0.2]);
    const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
    const { points, jacobian } = await model.uv.surfaceJacobian(uv, codes);
    const { geometry: G, expression: E } = model.manifest.codes;
    const expected = points.map((point, i) => {
      let offset = 0;
      for (let b = 0; b < 3; b++) {
        for (let k = 0; k < G; k++) {
          offset += avatar.tuning![((i % 3) * 3 + b) * G + k] * jacobian[(3 * Math.floor(i / 3) + b) * (G + E) + k];
        }
      }
      return point + offset;
    });
    expect(await avatarSurface(model, avatar, uv, codes)).toBeCloseToTensor(expected, 1e-6);
    expect(await avatarSurface(model, {}, uv, codes)).toEqual(points);
  });

  it('moves between expressions as it did without', async () => {
    const { tuning, ...plain } = avatar;
    const expression = new Float32Array([0.9, 0, 0.6]);
    const motion = async (of: Avatar) => {
      const [[from], [to]] = [await avatarMeshes(model, of), await avatarMeshes(model, of, { expression })];
      return to.positions.map((p, i) => p - from.positions[i]);
    };
    expect(await motion(avatar)).toBeCloseToTensor(await motion(plain), 1e-6);
    const [[tuned], [untuned]] = [await avatarMeshes(model, avatar), await avatarMeshes(model, plain)];
    expect(Math.max(...tuned.positions.map((p, i) => Math.abs(p - untuned.positions[i])))).toBeGreaterThan(1e-3);
  });

  it('refuses one of another size', async () => {
    await expect(avatarMeshes(model, { ...avatar, tuning: new Float32Array(7) })).rejects.toMatchObject({
      code: 'SHAPE',
    });
  });
});
