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
  const [originX, originY, originZ] = origin;
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
  // In steps from the first point. Engines would put three numbers on the heap for each call.
  const place = new Float64Array(3);
  /** Marks around the place and offers it to the owners of some kinds. */
  const mark = (kind: number, t: number) => {
    const x = place[0];
    const y = place[1];
    const z = place[2];
    const i0 = Math.max(Math.floor(x - pad), lowX);
    const j0 = Math.max(Math.floor(y - pad), lowY);
    const k0 = Math.max(Math.floor(z - pad), lowZ);
    const i1 = Math.min(Math.floor(x + pad) + 1, highX);
    const j1 = Math.min(Math.floor(y + pad) + 1, highY);
    const k1 = Math.min(Math.floor(z + pad) + 1, highZ);
    for (let k = k0; k <= k1; k++) {
      for (let j = j0; j <= j1; j++) {
        const offRow = (y - j) * (y - j) + (z - k) * (z - k);
        for (let i = i0, at = i0 + nx * (j + ny * k); i <= i1; i++, at++) {
          near[at] = 1;
          const d = (x - i) * (x - i) + offRow;
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
  // Of each vertex that is met: its place in steps, on which sides of the window it lies, and for which kinds it has been marked. Most triangles are smaller than a step, and six share a vertex.
  const places = new Float64Array(positions.length);
  const vertices = new Uint8Array(positions.length / 3);
  const marked = new Uint8Array(positions.length / 3);
  const MET = 64;
  const MARKED = 4;
  const meet = (v: number): number => {
    const x = (positions[3 * v] - originX) * inverse;
    const y = (positions[3 * v + 1] - originY) * inverse;
    const z = (positions[3 * v + 2] - originZ) * inverse;
    places[3 * v] = x;
    places[3 * v + 1] = y;
    places[3 * v + 2] = z;
    let sides = MET;
    if (x < lowX - pad) sides |= 1;
    if (y < lowY - pad) sides |= 2;
    if (z < lowZ - pad) sides |= 4;
    if (x > highX + pad) sides |= 8;
    if (y > highY + pad) sides |= 16;
    if (z > highZ + pad) sides |= 32;
    vertices[v] = sides;
    return sides;
  };
  for (let t = 0; t < chosen.length; t++) {
    if (chosen[t] === 0) continue;
    const a = triangles[3 * t];
    const b = triangles[3 * t + 1];
    const c = triangles[3 * t + 2];
    // The whole triangle on one side of the lattice: most are, for a lattice around an eye.
    if (((vertices[a] || meet(a)) & (vertices[b] || meet(b)) & (vertices[c] || meet(c))) !== MET) continue;
    const kind = kinds[t];
    const wanted = kind | MARKED;
    for (let corner = 0; corner < 3; corner++) {
      const v = triangles[3 * t + corner];
      if ((marked[v] & wanted) === wanted) continue;
      place[0] = places[3 * v];
      place[1] = places[3 * v + 1];
      place[2] = places[3 * v + 2];
      mark(kind & ~marked[v], t);
      marked[v] |= wanted;
    }
    const x = places[3 * a];
    const y = places[3 * a + 1];
    const z = places[3 * a + 2];
    const ux = places[3 * b] - x;
    const uy = places[3 * b + 1] - y;
    const uz = places[3 * b + 2] - z;
    const vx = places[3 * c] - x;
    const vy = places[3 * c + 1] - y;
    const vz = places[3 * c + 2] - z;
    const longest = Math.max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz);
    const parts = Math.ceil(Math.sqrt(longest) * 1.4);
    // Of one part the corners are all.
    if (parts < 2) continue;
    for (let m = 0; m <= parts; m++) {
      for (let n = 0; n <= parts - m; n++) {
        if (m === parts || n === parts || m + n === 0) continue;
        const r = m / parts;
        const q = n / parts;
        place[0] = x + r * ux + q * vx;
        place[1] = y + r * uy + q * vy;
        place[2] = z + r * uz + q * vz;
        mark(kind, t);
      }
    }
  }
  return out;
}
