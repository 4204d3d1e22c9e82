import type { LinearMesh } from './linear-mesh.js';

/**
 * Takes points along with the mesh, back from an expression to rest: each by the affine map of its triangle, edges onto edges and normal onto normal.
 *
 * The mesh sums the forward offsets of all expression weights; this inverts that sum near the surface, where one step is enough because the triangle is known.
 *
 * @param positions - `[V, 3]` of the expression, metres.
 */
export function createRestMap({ rest, triangles }: LinearMesh, positions: Float32Array) {
  const frame = (points: Float32Array, t: number, out: Float64Array) => {
    const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]];
    for (let k = 0; k < 3; k++) {
      out[k] = points[b + k] - points[a + k];
      out[3 + k] = points[c + k] - points[a + k];
    }
    const x = out[1] * out[5] - out[2] * out[4];
    const y = out[2] * out[3] - out[0] * out[5];
    const z = out[0] * out[4] - out[1] * out[3];
    const length = Math.max(Math.hypot(x, y, z), 1e-18);
    out[6] = x / length;
    out[7] = y / length;
    out[8] = z / length;
    return length;
  };
  const posed = new Float64Array(9);
  const still = new Float64Array(9);

  /** Where the point that is at x, y, z now was at rest, as triangle t has it. */
  return (t: number, x: number, y: number, z: number, out: Float64Array): void => {
    const doubleArea = frame(positions, t, posed);
    frame(rest, t, still);
    const a = 3 * triangles[3 * t];
    const [rx, ry, rz] = [x - positions[a], y - positions[a + 1], z - positions[a + 2]];
    const [ux, uy, uz, vx, vy, vz, nx, ny, nz] = posed;
    // Barycentric coordinates by the dual basis: (v x n) / |u x v| and (n x u) / |u x v|.
    const p = (rx * (vy * nz - vz * ny) + ry * (vz * nx - vx * nz) + rz * (vx * ny - vy * nx)) / doubleArea;
    const q = (rx * (ny * uz - nz * uy) + ry * (nz * ux - nx * uz) + rz * (nx * uy - ny * ux)) / doubleArea;
    const height = rx * nx + ry * ny + rz * nz;
    for (let k = 0; k < 3; k++) out[k] = rest[a + k] + p * still[k] + q * still[3 + k] + height * still[6 + k];
  };
}
