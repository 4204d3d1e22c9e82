import { type Lattice, type LatticeWindow, latticeCount, wholeWindow } from './lattice.js';

/** What a lattice's points know of a mesh near them. */
export interface MeshMarks {
  /** `[nz, ny, nx]`, 1 near the mesh. */
  near: Uint8Array;
  /** `[nz, ny, nx]` per kind of triangle: the nearest triangle's number, -1 where there is none. */
  owners: readonly [Int32Array, Int32Array];
  /** `[nz, ny, nx]` per kind: how far it is, in steps, squared. */
  nearness: readonly [Float32Array, Float32Array];
  /** Room for the numbers of the points that are near. */
  list: Uint32Array;
}

/** Room for the marks of a lattice, to be used again and again. */
export function createMarks(lattice: Lattice): MeshMarks {
  const count = latticeCount(lattice);
  return {
    near: new Uint8Array(count),
    owners: [new Int32Array(count), new Int32Array(count)],
    nearness: [new Float32Array(count), new Float32Array(count)],
    list: new Uint32Array(count),
  };
}

/**
 * Marks the points of a lattice's cells that a triangle mesh passes through or comes near to, and finds the triangle that is nearest to each.
 *
 * @param positions - `[V, 3]`, metres.
 * @param triangles - `[F, 3]`
 * @param chosen - `[F]`, 0 for triangles to leave out.
 * @param kinds - `[F]` bits: in which of the two lists of owners a triangle counts.
 * @param margin - how far off the mesh cells still count, metres: the zero set is not exactly the mesh.
 * @param window - where to do so; what `out` has beyond is not changed.
 */
export function markNearMesh(
  lattice: Lattice,
  positions: Float32Array,
  triangles: Uint32Array,
  chosen: Uint8Array,
  kinds: Uint8Array,
  margin: number,
  window: LatticeWindow = wholeWindow(lattice),
  out: MeshMarks = createMarks(lattice),
): MeshMarks {
  const { origin, step, size } = lattice;
  const [nx, ny] = size;
  const [lowX, lowY, lowZ] = window.first;
  const [highX, highY, highZ] = [window.end[0] - 1, window.end[1] - 1, window.end[2] - 1];
  const {
    near,
    owners: [first, second],
    nearness: [firstNearest, secondNearest],
  } = out;
  for (let k = lowZ; k <= highZ; k++) {
    for (let j = lowY; j <= highY; j++) {
      const row = nx * (j + ny * k);
      near.fill(0, row + lowX, row + highX + 1);
      for (const owners of out.owners) owners.fill(-1, row + lowX, row + highX + 1);
      for (const nearness of out.nearness) nearness.fill(1e9, row + lowX, row + highX + 1);
    }
  }
  const inverse = 1 / step;
  const pad = margin * inverse;
  /** Marks around a place, in steps from the first point, and offers it to the owners of some kinds. */
  const mark = (x: number, y: number, z: number, kind: number, t: number) => {
    const i0 = Math.max(Math.floor(x - pad), lowX);
    const j0 = Math.max(Math.floor(y - pad), lowY);
    const k0 = Math.max(Math.floor(z - pad), lowZ);
    const i1 = Math.min(Math.floor(x + pad) + 1, highX);
    const j1 = Math.min(Math.floor(y + pad) + 1, highY);
    const k1 = Math.min(Math.floor(z + pad) + 1, highZ);
    for (let k = k0; k <= k1; k++) {
      for (let j = j0; j <= j1; j++) {
        for (let i = i0, at = i0 + nx * (j + ny * k); i <= i1; i++, at++) {
          near[at] = 1;
          const d = (x - i) * (x - i) + (y - j) * (y - j) + (z - k) * (z - k);
          if (kind & 1 && d < firstNearest[at]) {
            firstNearest[at] = d;
            first[at] = t;
          }
          if (kind & 2 && d < secondNearest[at]) {
            secondNearest[at] = d;
            second[at] = t;
          }
        }
      }
    }
  };
  // Of each vertex: for which kinds it has been marked, and that it has been at all. Most triangles are smaller than a step, and six share a vertex.
  const marked = new Uint8Array(positions.length / 3);
  const MARKED = 4;
  const p = new Float64Array(9);
  for (let t = 0; t < chosen.length; t++) {
    if (chosen[t] === 0) continue;
    const [a, b, c] = [triangles[3 * t], triangles[3 * t + 1], triangles[3 * t + 2]];
    for (let k = 0; k < 3; k++) {
      p[k] = (positions[3 * a + k] - origin[k]) * inverse;
      p[3 + k] = (positions[3 * b + k] - origin[k]) * inverse;
      p[6 + k] = (positions[3 * c + k] - origin[k]) * inverse;
    }
    // The whole triangle outside of the lattice: most are, for a lattice around an eye.
    if (
      Math.max(p[0], p[3], p[6]) < lowX - pad ||
      Math.max(p[1], p[4], p[7]) < lowY - pad ||
      Math.max(p[2], p[5], p[8]) < lowZ - pad ||
      Math.min(p[0], p[3], p[6]) > highX + pad ||
      Math.min(p[1], p[4], p[7]) > highY + pad ||
      Math.min(p[2], p[5], p[8]) > highZ + pad
    )
      continue;
    const kind = kinds[t];
    const wanted = kind | MARKED;
    for (let corner = 0; corner < 3; corner++) {
      const v = corner === 0 ? a : corner === 1 ? b : c;
      if ((marked[v] & wanted) === wanted) continue;
      mark(p[3 * corner], p[3 * corner + 1], p[3 * corner + 2], kind & ~marked[v], t);
      marked[v] |= wanted;
    }
    const [ux, uy, uz] = [p[3] - p[0], p[4] - p[1], p[5] - p[2]];
    const [vx, vy, vz] = [p[6] - p[0], p[7] - p[1], p[8] - p[2]];
    const longest = Math.max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz);
    const parts = Math.ceil(Math.sqrt(longest) * 1.4);
    for (let m = 0; m <= parts; m++) {
      for (let n = 0; n <= parts - m; n++) {
        if (m === parts || n === parts || m + n === 0) continue;
        const [r, q] = [m / parts, n / parts];
        mark(p[0] + r * ux + q * vx, p[1] + r * uy + q * vy, p[2] + r * uz + q * vz, kind, t);
      }
    }
  }
  return out;
}
