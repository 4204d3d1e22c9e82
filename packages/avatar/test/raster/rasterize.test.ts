import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { createRaster, rasterize, type TriangleMesh, viewCamera } from '../../src/index.js';
import { gridMesh } from '../meshes.js';
import { slowHit } from './slow-raster.js';

/** Triangles anywhere around a camera at the origin: in front, behind, and through the near plane. */
function randomSoup(seed: number): TriangleMesh[] {
  const random = createRandom(seed);
  return Array.from({ length: 3 }, () => {
    const count = 1 + random.integer(20);
    const positions = new Float32Array(9 * count);
    for (let t = 0; t < count; t++) {
      const centre = [random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-3, 0.5)];
      for (let k = 0; k < 9; k++) positions[9 * t + k] = centre[k % 3] + random.uniform(-0.6, 0.6);
    }
    return { positions, indices: Uint32Array.from({ length: 3 * count }, (_, i) => i) };
  });
}

describe('rasterize', () => {
  for (let seed = 0; seed < 24; seed++) {
    it(`agrees with a ray per pixel and triangle, seed ${seed}`, () => {
      const random = createRandom(1000 + seed);
      const meshes = randomSoup(seed);
      const camera = {
        cameraFromWorld: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        focalLengthPx: random.uniform(15, 60),
        principalPointPx: [random.uniform(0, 40), random.uniform(0, 30)] as const,
      };
      const near = random.uniform(0.01, 0.5);
      const raster = rasterize(meshes, camera, { width: 40, height: 30, near });
      let compared = 0;
      for (let y = 0; y < 30; y++) {
        for (let x = 0; x < 40; x++) {
          const i = 40 * y + x;
          const hit = slowHit(meshes, camera, x + 0.5, y + 0.5, near);
          // Rounding may decide what is exactly on an edge, at the near plane, or as near as another triangle.
          const weights = hit?.barycentrics ?? [1, 1, 1];
          if (Math.min(...weights) < 1e-9 || (hit && (hit.clearance < 1e-6 || hit.depth - near < 1e-9))) continue;
          compared++;
          expect(raster.part[i]).toBe(hit?.part ?? -1);
          if (!hit) continue;
          expect(raster.triangle[i]).toBe(hit.triangle);
          expect(raster.depth[i]).toBeCloseTo(hit.depth, 5);
          expect(raster.barycentrics.subarray(3 * i, 3 * i + 3)).toBeCloseToTensor(weights, 1e-5);
        }
      }
      expect(compared).toBeGreaterThan(1000);
    });
  }

  it('gives each pixel of a flat grid to exactly one triangle, also where edges run through pixel centres', () => {
    const { positions, indices } = gridMesh(8, 8);
    // 64 pixels over the unit square: every grid line passes through no centre; shifted by half a pixel, through all of them.
    for (const shift of [0, 0.5]) {
      const camera = {
        cameraFromWorld: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -1, 1],
        focalLengthPx: 64,
        principalPointPx: [shift, 64 + shift] as const,
      };
      const counts = new Uint16Array(64 * 64);
      for (let t = 0; t < indices.length; t += 3) {
        const raster = rasterize([{ positions, indices: indices.slice(t, t + 3) }], camera, { width: 64, height: 64 });
        raster.part.forEach((part, i) => {
          if (part === 0) counts[i]++;
        });
      }
      const inside = counts.filter((_, i) => i % 64 >= 1 && i >= 64 && i % 64 < 63 && i < 63 * 64);
      expect(new Set(inside)).toEqual(new Set([1]));
    }
  });

  it('has the depth and the perspective-correct weights of a slanted plane', () => {
    // The plane z = -1 - x, seen from the origin: the ray (dx, dy, -1) meets it at depth 1 / (1 - dx).
    const positions = new Float32Array([-0.5, -1, -0.5, 1, -1, -2, 1, 1, -2, -0.5, 1, -0.5]);
    const camera = {
      cameraFromWorld: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
      focalLengthPx: 50,
      principalPointPx: [25, 25] as const,
    };
    const raster = rasterize([{ positions, indices: new Uint32Array([0, 1, 2, 0, 2, 3]) }], camera, {
      width: 50,
      height: 50,
    });
    let covered = 0;
    raster.part.forEach((part, i) => {
      if (part < 0) return;
      covered++;
      const dx = ((i % 50) + 0.5 - 25) / 50;
      const depth = 1 / (1 - dx);
      expect(raster.depth[i]).toBeCloseTo(depth, 6);
      const corners = raster.triangle[i] === 0 ? [-0.5, 1, 1] : [-0.5, 1, -0.5];
      const x = corners.reduce((sum, corner, k) => sum + corner * raster.barycentrics[3 * i + k], 0);
      expect(x).toBeCloseTo(dx * depth, 5);
    });
    expect(covered).toBeGreaterThan(1500);
  });

  it('skips triangles seen from inside when asked to', () => {
    const { positions, indices } = gridMesh(1, 1);
    const camera = viewCamera(0, { target: [0.5, 0.5, 0], frame: 2, distance: 2, size: 16 });
    const behind = viewCamera(180, { target: [0.5, 0.5, 0], frame: 2, distance: 2, size: 16 });
    const count = (view: typeof camera, cullBack: boolean) =>
      rasterize([{ positions, indices }], view, { width: 16, height: 16, cullBack }).part.filter((part) => part === 0)
        .length;
    expect([count(camera, true), count(behind, true), count(behind, false)]).toEqual([64, 0, 64]);
  });

  it('fills a raster again', () => {
    const mesh = gridMesh(1, 1);
    const camera = viewCamera(0, { size: 16 });
    const out = createRaster(16, 16);
    rasterize([mesh], camera, { width: 16, height: 16 }, out);
    const fresh = rasterize([], camera, { width: 16, height: 16 }, out);
    expect(fresh).toBe(out);
    expect(new Set(out.part)).toEqual(new Set([-1]));
    expect(new Set(out.depth)).toEqual(new Set([Infinity]));
  });
});
