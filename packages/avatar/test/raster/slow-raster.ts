import type { Camera, TriangleMesh } from '../../src/index.js';

/** What one pixel sees, found by meeting every triangle with the pixel's ray (Möller and Trumbore). */
export interface SlowHit {
  part: number;
  triangle: number;
  barycentrics: [number, number, number];
  depth: number;
  /** How far the second nearest hit lies behind, metres. */
  clearance: number;
}

const subtract = (a: number[], b: number[]) => a.map((value, i) => value - b[i]);
const dot = (a: number[], b: number[]) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: number[], b: number[]) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** The obvious twin of `rasterize`, for one pixel. */
export function slowHit(
  meshes: readonly TriangleMesh[],
  camera: Camera,
  x: number,
  y: number,
  near: number,
): SlowHit | undefined {
  const m = Array.from(camera.cameraFromWorld);
  const ray = [
    (x - camera.principalPointPx[0]) / camera.focalLengthPx,
    (camera.principalPointPx[1] - y) / camera.focalLengthPx,
    -1,
  ];
  const hits: SlowHit[] = [];
  meshes.forEach(({ positions, indices }, part) => {
    const corner = (i: number) => {
      const [px, py, pz] = positions.subarray(3 * i, 3 * i + 3);
      return [0, 1, 2].map((row) => m[row] * px + m[4 + row] * py + m[8 + row] * pz + m[12 + row]);
    };
    for (let triangle = 0; triangle < indices.length / 3; triangle++) {
      const [a, b, c] = [...indices.subarray(3 * triangle, 3 * triangle + 3)].map(corner);
      const ab = subtract(b, a);
      const ac = subtract(c, a);
      const p = cross(ray, ac);
      const q = cross(subtract([0, 0, 0], a), ab);
      const determinant = dot(ab, p);
      const wb = -dot(a, p) / determinant;
      const wc = dot(ray, q) / determinant;
      const depth = dot(ac, q) / determinant;
      if (wb >= 0 && wc >= 0 && wb + wc <= 1 && depth >= near) {
        hits.push({ part, triangle, barycentrics: [1 - wb - wc, wb, wc], depth, clearance: Infinity });
      }
    }
  });
  hits.sort((a, b) => a.depth - b.depth);
  if (hits.length > 1) hits[0].clearance = hits[1].depth - hits[0].depth;
  return hits[0];
}
