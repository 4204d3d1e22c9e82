import { describe, expect, it } from 'vitest';
import { computeNormals, computeTangents } from '../src/index.js';
import { ballMesh, flatImage, gridMesh } from './meshes.js';

describe('computeTangents', () => {
  it('run along u, with the bitangent up the texture: on a ball, east, and handedness +1', () => {
    const ball = ballMesh('skin', 0.1, [0, 0, 0], flatImage(1, 1, [0, 0, 0]), 96);
    const tangents = computeTangents(ball);
    for (let i = 0; i < ball.uvs.length / 2; i++) {
      const [u, v] = ball.uvs.subarray(2 * i, 2 * i + 2);
      if (Math.min(u, 1 - u, v, 1 - v) < 0.04) continue;
      const longitude = (u - 0.5) * 2 * Math.PI;
      expect(tangents.subarray(4 * i, 4 * i + 4)).toBeCloseToTensor(
        [Math.cos(longitude), 0, -Math.sin(longitude), 1],
        0.01,
      );
    }
  });

  it('have handedness -1 where the texture is mirrored, and lie across the normal where it has no extent', () => {
    const grid = gridMesh(2, 2);
    const normals = computeNormals(grid.positions, grid.indices);
    const mirrored = computeTangents({ ...grid, normals, uvs: grid.uvs.map((t, i) => (i % 2 === 0 ? 1 - t : t)) });
    const none = computeTangents({ ...grid, normals, uvs: grid.uvs.map(() => 0.5) });
    for (let i = 0; i < grid.uvs.length / 2; i++) {
      expect([...mirrored.subarray(4 * i, 4 * i + 4)]).toEqual([-1, 0, 0, -1]);
      expect([...none.subarray(4 * i, 4 * i + 4)]).toEqual([1, 0, 0, 1]);
    }
  });
});
