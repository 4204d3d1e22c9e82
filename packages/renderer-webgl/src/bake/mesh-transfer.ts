import type { LinearMesh } from './linear-mesh.js';

/** Numbers of a triangle's frame: two edges and the unit normal. */
const FRAME = 9;

/** Writes the frame of triangle t and gives twice its area. */
function writeFrame(
  points: Float32Array,
  triangles: Uint32Array,
  t: number,
  out: Float32Array | Float64Array,
  at: number,
): number {
  const a = 3 * triangles[3 * t];
  const b = 3 * triangles[3 * t + 1];
  const c = 3 * triangles[3 * t + 2];
  const ux = points[b] - points[a];
  const uy = points[b + 1] - points[a + 1];
  const uz = points[b + 2] - points[a + 2];
  const vx = points[c] - points[a];
  const vy = points[c + 1] - points[a + 1];
  const vz = points[c + 2] - points[a + 2];
  const x = uy * vz - uz * vy;
  const y = uz * vx - ux * vz;
  const z = ux * vy - uy * vx;
  const length = Math.max(Math.sqrt(x * x + y * y + z * z), 1e-18);
  out[at] = ux;
  out[at + 1] = uy;
  out[at + 2] = uz;
  out[at + 3] = vx;
  out[at + 4] = vy;
  out[at + 5] = vz;
  out[at + 6] = x / length;
  out[at + 7] = y / length;
  out[at + 8] = z / length;
  return length;
}

/** The frames of all triangles of the face at rest, `[F, 9]`: made once for an identity. */
export function computeRestFrames({ rest, triangles }: LinearMesh): Float32Array {
  const out = new Float32Array(FRAME * (triangles.length / 3));
  for (let t = 0; t < triangles.length / 3; t++) writeFrame(rest, triangles, t, out, FRAME * t);
  return out;
}

/**
 * Takes points along with the mesh, back from an expression to rest: each by the affine map of its triangle, edges onto edges and normal onto normal.
 *
 * The mesh sums the forward offsets of all expression weights; this inverts that sum near the surface, where one step is enough because the triangle is known.
 *
 * @param restFrames - of `computeRestFrames`.
 * @param positions - `[V, 3]` of the expression, metres.
 */
export function createRestMap({ rest, triangles }: LinearMesh, restFrames: Float32Array, positions: Float32Array) {
  const posed = new Float64Array(FRAME);

  /** Where point i of a list `[N, 3]` was at rest, as triangle t has it. */
  return (t: number, points: ArrayLike<number>, i: number, out: Float64Array): void => {
    const doubleArea = writeFrame(positions, triangles, t, posed, 0);
    const a = 3 * triangles[3 * t];
    const rx = points[3 * i] - positions[a];
    const ry = points[3 * i + 1] - positions[a + 1];
    const rz = points[3 * i + 2] - positions[a + 2];
    const [ux, uy, uz] = [posed[0], posed[1], posed[2]];
    const [vx, vy, vz] = [posed[3], posed[4], posed[5]];
    const [nx, ny, nz] = [posed[6], posed[7], posed[8]];
    // Barycentric coordinates by the dual basis: (v x n) / |u x v| and (n x u) / |u x v|.
    const p = (rx * (vy * nz - vz * ny) + ry * (vz * nx - vx * nz) + rz * (vx * ny - vy * nx)) / doubleArea;
    const q = (rx * (ny * uz - nz * uy) + ry * (nz * ux - nx * uz) + rz * (nx * uy - ny * ux)) / doubleArea;
    const height = rx * nx + ry * ny + rz * nz;
    const f = FRAME * t;
    for (let k = 0; k < 3; k++)
      out[k] = rest[a + k] + p * restFrames[f + k] + q * restFrames[f + 3 + k] + height * restFrames[f + 6 + k];
  };
}
