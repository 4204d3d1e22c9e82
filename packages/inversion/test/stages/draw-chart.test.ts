import { type PartMesh, rasterize } from '@implicit-faces/avatar';
import { createSeededRandom } from '@implicit-faces/runtime';
import { describe, expect, it } from 'vitest';
import { drawChart } from '../../src/stages/draw-chart.js';

/** A sheet of triangles over `[0, 1]^2`, corners inside it moved at random, half of the triangles listed clockwise; `z` of each corner. */
function sheet(side: number, seed: number, z: (random: () => number) => number): PartMesh {
  const random = createSeededRandom(seed);
  const count = side * side;
  const uvs = new Float32Array(2 * count);
  const positions = new Float32Array(3 * count);
  const normals = new Float32Array(3 * count);
  for (let n = 0; n < count; n++) {
    const [column, row] = [n % side, Math.floor(n / side)];
    const isInside = column > 0 && row > 0 && column < side - 1 && row < side - 1;
    const shift = () => (isInside ? 0.8 * (random() - 0.5) : 0);
    uvs.set([(column + shift()) / (side - 1), (row + shift()) / (side - 1)], 2 * n);
    positions.set([0.1 * uvs[2 * n] + 0.01 * random(), 0.1 * uvs[2 * n + 1], z(random)], 3 * n);
    normals.set([random() - 0.5, random() - 0.5, 1], 3 * n);
  }
  const indices: number[] = [];
  for (let n = 0; n < side * (side - 1); n++) {
    if (n % side === side - 1) continue;
    indices.push(n, n + side, n + side + 1, ...(random() < 0.5 ? [n, n + side + 1, n + 1] : [n + 1, n + side + 1, n]));
  }
  const image = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
  return { name: 'sheet', positions, normals, uvs, indices: Uint32Array.from(indices), image };
}

/** The slow way: the chart as a scene that the rasteriser draws, higher places nearer, and three corners looked up at each texel. */
function drawSlowly({ uvs, indices, positions, normals }: PartMesh, size: number) {
  const flat = Float32Array.from({ length: (uvs.length / 2) * 3 }, (_, i) => {
    const n = Math.floor(i / 3);
    const away = 1 - 0.1 * positions[3 * n + 2];
    return [(uvs[2 * n] - 0.5) * away, (0.5 - uvs[2 * n + 1]) * away, -away][i % 3];
  });
  const camera = {
    cameraFromWorld: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    focalLengthPx: size,
    principalPointPx: [size / 2, size / 2] as const,
  };
  const raster = rasterize([{ positions: flat, indices }], camera, { width: size, height: size });
  const mix = (values: Float32Array, i: number, axis: number) =>
    [0, 1, 2].reduce((sum, k) => {
      const corner = indices[3 * raster.triangle[i] + k];
      return sum + raster.barycentrics[3 * i + k] * values[3 * corner + axis];
    }, 0);
  return {
    raster,
    position: (i: number) => [0, 1, 2].map((axis) => mix(positions, i, axis)),
    normal: (i: number) => {
      const normal = [0, 1, 2].map((axis) => mix(normals, i, axis));
      return normal.map((v) => v / Math.hypot(...normal));
    },
  };
}

describe('drawChart', () => {
  it.each([1, 2, 3])('is what the rasteriser and the corners say, seed %i', (seed) => {
    const size = 96;
    const mesh = sheet(12, seed, (random) => 0.002 * random());
    const { positions, normals, raster } = drawChart(mesh, size);
    const slow = drawSlowly(mesh, size);
    const farthest = { position: 0, normal: 0, weight: 0 };
    let others = 0;
    for (let i = 0; i < size * size; i++) {
      // The perspective of the slow way is not quite a chart's: on an edge it may choose the other triangle.
      if (raster.triangle[i] !== slow.raster.triangle[i] || raster.part[i] !== slow.raster.part[i]) {
        others++;
        continue;
      }
      const [position, normal] = [slow.position(i), slow.normal(i)];
      const off = (values: Float32Array, expected: ArrayLike<number>, from: number) =>
        Math.max(...[0, 1, 2].map((k) => Math.abs(values[3 * i + k] - expected[from + k])));
      farthest.position = Math.max(farthest.position, off(positions, position, 0));
      farthest.normal = Math.max(farthest.normal, off(normals, normal, 0));
      farthest.weight = Math.max(farthest.weight, off(raster.barycentrics, slow.raster.barycentrics, 3 * i));
    }
    expect(farthest.position).toBeLessThan(2e-6);
    expect(farthest.normal).toBeLessThan(2e-4);
    expect(farthest.weight).toBeLessThan(2e-4);
    expect(others).toBeLessThan(5);
  });

  it('covers each texel of a closed sheet once, those on edges and corners too', () => {
    // Corners at texels' centres, and edges through them.
    const size = 32;
    const mesh = sheet(5, 4, () => 0);
    mesh.uvs.forEach((_, k) => {
      const place = k % 2 ? Math.floor(k / 2 / 5) : (k >> 1) % 5;
      mesh.uvs[k] = (8 * place + 0.5) / size;
    });
    const covered = new Uint8Array(size * size);
    for (let t = 0; t < mesh.indices.length; t += 3) {
      const { part } = drawChart({ ...mesh, indices: mesh.indices.slice(t, t + 3) }, size).raster;
      for (let i = 0; i < part.length; i++) covered[i] += Number(part[i] === 0);
    }
    expect(covered.every((times) => times === 1)).toBe(true);
  });

  it('keeps the side that is farther to the front, whichever is drawn first', () => {
    const behind = sheet(4, 5, () => -0.01);
    const front = sheet(4, 6, () => 0.01);
    const join = (a: PartMesh, b: PartMesh): PartMesh => ({
      ...a,
      positions: Float32Array.from([...a.positions, ...b.positions]),
      normals: Float32Array.from([...a.normals, ...b.normals]),
      uvs: Float32Array.from([...a.uvs, ...b.uvs]),
      indices: Uint32Array.from([...a.indices, ...b.indices.map((n) => n + a.uvs.length / 2)]),
    });
    for (const both of [join(behind, front), join(front, behind)]) {
      const { positions, raster } = drawChart(both, 16);
      expect(raster.part.every((p) => p === 0)).toBe(true);
      for (let i = 0; i < 16 * 16; i++) expect(positions[3 * i + 2]).toBeCloseTo(0.01, 7);
    }
  });

  it('leaves texels outside the chart without a place, and triangles that are none undrawn', () => {
    const mesh = sheet(3, 7, () => 0);
    const one = drawChart({ ...mesh, uvs: mesh.uvs.map((v) => 0.5 * v) }, 8);
    const outside = Array.from(one.positions, Number.isNaN).filter((isNan, k) => isNan && k % 3 === 0).length;
    expect(outside).toBe(48);
    expect(one.raster.part.filter((p) => p < 0).length).toBe(48);
    const none = drawChart({ ...mesh, uvs: new Float32Array(mesh.uvs.length) }, 8);
    expect(none.raster.part.every((p) => p === -1)).toBe(true);
  });
});
