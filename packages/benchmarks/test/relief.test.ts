import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { partMesh } from '../src/synthetic/head-meshes.js';
import { plainImage } from '../src/synthetic/materials.js';
import { displace, subdivide, wrinkleHeights } from '../src/synthetic/relief.js';

/** The square of the side 0.2 at z = 0, facing +Z, with the chart across it. */
function sheet(cells: number) {
  const side = cells + 1;
  const uvs = Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const n = i >> 1;
    return (i & 1 ? Math.floor(n / side) : n % side) / cells;
  });
  const positions = Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [u, v] = uvs.subarray(2 * Math.floor(i / 3));
    return [0.2 * (u - 0.5), 0.2 * (0.5 - v), 0][i % 3];
  });
  const indices: number[] = [];
  for (let n = 0; n < side * cells; n++) {
    if (n % side < cells) indices.push(n, n + side, n + side + 1, n, n + side + 1, n + 1);
  }
  return partMesh('skin', positions, Uint32Array.from(indices), uvs, plainImage([0.5, 0.4, 0.3]));
}

describe('subdivide', () => {
  it('keeps the surface and the old vertices, and cuts triangles inside alone into four each time', () => {
    const mesh = sheet(8);
    const inside = (vertex: number) => mesh.uvs[2 * vertex] <= 0.5;
    const dense = subdivide(mesh, inside, 2);
    expect(dense.indices.length).toBe((mesh.indices.length / 2) * (16 + 1));
    expect(dense.positions.slice(0, mesh.positions.length)).toEqual(mesh.positions);
    const area = ({ positions, indices }: typeof mesh) => {
      let sum = 0;
      for (let t = 0; t < indices.length; t += 3) {
        const [a, b, c] = [0, 1, 2].map((k) => positions.subarray(3 * indices[t + k], 3 * indices[t + k] + 2));
        sum += ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2;
      }
      return sum;
    };
    expect(area(dense)).toBeCloseTo(area(mesh), 9);
    for (let v = 0; v < dense.positions.length / 3; v++) {
      const [u] = dense.uvs.subarray(2 * v);
      expect(dense.positions[3 * v]).toBeCloseTo(0.2 * (u - 0.5), 6);
    }
  });
});

describe('wrinkleHeights', () => {
  const random = createRandom(2);
  const landmarks = random.uniforms(136, 0.35, 0.65);
  const mesh = subdivide(sheet(16), () => true, 3);
  const heights = wrinkleHeights(mesh.uvs, landmarks, 0.2, 5);

  it('are fractions of a millimetre, the same for the same seed', () => {
    expect(Math.min(...heights)).toBeLessThan(-0.0003);
    expect(Math.max(...heights)).toBeLessThan(0.0003);
    expect(wrinkleHeights(mesh.uvs, landmarks, 0.2, 5)).toEqual(heights);
    expect(wrinkleHeights(mesh.uvs, landmarks, 0.2, 6)).not.toEqual(heights);
  });

  it('displace the skin along its normals', () => {
    const moved = displace(mesh, heights);
    heights.forEach((height, v) => {
      expect(moved.positions[3 * v + 2]).toBeCloseTo(height, 7);
    });
    const steep = Math.max(...heights.map((_, v) => Math.acos(Math.min(1, moved.normals[3 * v + 2]))));
    expect(steep).toBeGreaterThan(0.1);
    expect(steep).toBeLessThan(0.8);
  });
});
