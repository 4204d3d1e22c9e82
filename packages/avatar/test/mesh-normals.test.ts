import { describe, expect, it } from 'vitest';
import { computeNormals } from '../src/index.js';
import { ballMesh, flatImage } from './meshes.js';

describe('computeNormals', () => {
  it("are a ball's directions, except at its seam and poles", () => {
    const { positions, indices, normals, uvs } = ballMesh('skin', 0.1, [0.1, 0.2, 0.3], flatImage(1, 1, [0, 0, 0]), 96);
    const computed = computeNormals(positions, indices);
    for (let i = 0; i < uvs.length / 2; i++) {
      if (Math.min(uvs[2 * i], 1 - uvs[2 * i], uvs[2 * i + 1], 1 - uvs[2 * i + 1]) < 0.04) continue;
      expect(computed.subarray(3 * i, 3 * i + 3)).toBeCloseToTensor(normals.subarray(3 * i, 3 * i + 3), 0.003);
    }
  });

  it('do not depend on how a face is cut into triangles: the corner of a cube', () => {
    // Two of the three faces end in one triangle at the corner, the third in two.
    const positions = new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]);
    const indices = new Uint32Array([0, 3, 2, 0, 1, 3, 0, 2, 4, 0, 4, 1]);
    const third = 1 / Math.sqrt(3);
    expect(computeNormals(positions, indices).subarray(0, 3)).toBeCloseToTensor([-third, -third, -third], 1e-6);
  });

  it('point to +Z where there is no surface', () => {
    expect([...computeNormals(new Float32Array(9), new Uint32Array([0, 1, 2]))]).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1]);
  });
});
