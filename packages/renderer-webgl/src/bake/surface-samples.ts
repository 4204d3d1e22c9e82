import type { Lattice } from './lattice.js';

/**
 * Marks the points of a lattice's cells that a triangle mesh passes through or comes near to.
 *
 * @param positions - `[V, 3]`, metres.
 * @param triangles - `[F, 3]`
 * @param margin - how far off the mesh cells still count, metres: the zero set is not exactly the mesh.
 * @param marks - `[nz, ny, nx]`, gets 1 where marked.
 */
export function markNearMesh(
  { origin, step, size }: Lattice,
  positions: Float32Array,
  triangles: Uint32Array,
  margin: number,
  marks: Uint8Array,
): void {
  const [nx, ny, nz] = size;
  const inverse = 1 / step;
  const pad = margin * inverse;
  const mark = (x: number, y: number, z: number) => {
    const i0 = Math.max(Math.floor(x - pad), 0);
    const j0 = Math.max(Math.floor(y - pad), 0);
    const k0 = Math.max(Math.floor(z - pad), 0);
    const i1 = Math.min(Math.floor(x + pad) + 1, nx - 1);
    const j1 = Math.min(Math.floor(y + pad) + 1, ny - 1);
    const k1 = Math.min(Math.floor(z + pad) + 1, nz - 1);
    for (let k = k0; k <= k1; k++)
      for (let j = j0; j <= j1; j++) for (let i = i0; i <= i1; i++) marks[i + nx * (j + ny * k)] = 1;
  };
  for (let t = 0; t < triangles.length; t += 3) {
    const a = 3 * triangles[t];
    const b = 3 * triangles[t + 1];
    const c = 3 * triangles[t + 2];
    const ax = (positions[a] - origin[0]) * inverse;
    const ay = (positions[a + 1] - origin[1]) * inverse;
    const az = (positions[a + 2] - origin[2]) * inverse;
    const ux = (positions[b] - positions[a]) * inverse;
    const uy = (positions[b + 1] - positions[a + 1]) * inverse;
    const uz = (positions[b + 2] - positions[a + 2]) * inverse;
    const vx = (positions[c] - positions[a]) * inverse;
    const vy = (positions[c + 1] - positions[a + 1]) * inverse;
    const vz = (positions[c + 2] - positions[a + 2]) * inverse;
    // The whole triangle outside of the lattice: most are, for a lattice around an eye.
    if (Math.max(ax, ax + ux, ax + vx) < -pad || Math.min(ax, ax + ux, ax + vx) > nx - 1 + pad) continue;
    if (Math.max(ay, ay + uy, ay + vy) < -pad || Math.min(ay, ay + uy, ay + vy) > ny - 1 + pad) continue;
    if (Math.max(az, az + uz, az + vz) < -pad || Math.min(az, az + uz, az + vz) > nz - 1 + pad) continue;
    const longest = Math.max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz);
    const parts = Math.max(Math.ceil(Math.sqrt(longest) * 1.4), 1);
    for (let m = 0; m <= parts; m++) {
      for (let n = 0; n <= parts - m; n++) {
        const p = m / parts;
        const q = n / parts;
        mark(ax + p * ux + q * vx, ay + p * uy + q * vy, az + p * uz + q * vz);
      }
    }
  }
}
