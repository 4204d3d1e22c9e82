import { type Lattice, type LatticeWindow, latticeCount, wholeWindow, windowRange } from './lattice.js';

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
  /** Room for what is known of the mesh's vertices. */
  vertices: VertexRoom;
}

interface VertexRoom {
  /** `[V, 3]`: places in steps from the lattice's first point. */
  places: Float64Array;
  /** `[V]`, bits: on which sides of the window it lies, and whether that is known yet. */
  sides: Uint8Array;
  /** `[V]`, bits: for which kinds of triangles it has been marked, and whether at all. */
  marked: Uint8Array;
}

/** Bits of `VertexRoom`. */
const PLACED = 64;
const MARKED = 4;

function createVertexRoom(count: number): VertexRoom {
  return { places: new Float64Array(3 * count), sides: new Uint8Array(count), marked: new Uint8Array(count) };
}

/** Room for the marks of a lattice, to be used again and again. */
export function createMarks(lattice: Lattice): MeshMarks {
  const count = latticeCount(lattice);
  return {
    near: new Uint8Array(count),
    owners: [new Int32Array(count), new Int32Array(count)],
    nearness: [new Float32Array(count), new Float32Array(count)],
    list: new Uint32Array(count),
    vertices: createVertexRoom(0),
  };
}

/**
 * Marks the points of a lattice's cells that a triangle mesh passes through or comes near to, and finds the triangle that is nearest to each.
 *
 * @param positions - `[V, 3]`, metres.
 * @param triangles - `[F, 3]`
 * @param chosen - numbers of the triangles that count, ascending.
 * @param kinds - `[F]` bits: in which of the two lists of owners a triangle counts.
 * @param margin - how far off the mesh cells still count, metres: the zero set is not exactly the mesh.
 * @param window - where to do so; what `out` has beyond says nothing.
 */
export function markNearMesh(
  lattice: Lattice,
  positions: Float32Array,
  triangles: Uint32Array,
  chosen: Uint32Array,
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
  // All from the window's first point to its last, some beyond it among them: thousands of short rows cost more.
  const [begin, end] = windowRange(lattice, window);
  near.fill(0, begin, end);
  for (const owners of out.owners) owners.fill(-1, begin, end);
  for (const nearness of out.nearness) nearness.fill(1e9, begin, end);
  const inverse = 1 / step;
  const pad = margin * inverse;
  const count = positions.length / 3;
  if (out.vertices.sides.length !== count) out.vertices = createVertexRoom(count);
  const { places, sides, marked } = out.vertices;
  sides.fill(0);
  marked.fill(0);
  const place = (v: number): number => {
    const at = 3 * v;
    const x = (positions[at] - originX) * inverse;
    const y = (positions[at + 1] - originY) * inverse;
    const z = (positions[at + 2] - originZ) * inverse;
    places[at] = x;
    places[at + 1] = y;
    places[at + 2] = z;
    sides[v] =
      PLACED |
      (x < lowX - pad ? 1 : 0) |
      (y < lowY - pad ? 2 : 0) |
      (z < lowZ - pad ? 4 : 0) |
      (x > highX + pad ? 8 : 0) |
      (y > highY + pad ? 16 : 0) |
      (z > highZ + pad ? 32 : 0);
    return sides[v];
  };
  for (const t of chosen) {
    const a = triangles[3 * t];
    const b = triangles[3 * t + 1];
    const c = triangles[3 * t + 2];
    // The whole triangle on one side of the lattice: most are, for a lattice around an eye.
    if ((sides[a] || place(a)) & (sides[b] || place(b)) & (sides[c] || place(c)) & ~PLACED) continue;
    const ux = places[3 * b] - places[3 * a];
    const uy = places[3 * b + 1] - places[3 * a + 1];
    const uz = places[3 * b + 2] - places[3 * a + 2];
    const vx = places[3 * c] - places[3 * a];
    const vy = places[3 * c + 1] - places[3 * a + 1];
    const vz = places[3 * c + 2] - places[3 * a + 2];
    const longest = Math.max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz);
    const parts = Math.max(Math.ceil(Math.sqrt(longest) * 1.4), 1);
    // Places all over the triangle, its corners among them, each of which is marked once for a kind: most triangles are smaller than a step, and six share a vertex. In line, not by a function for a place: engines put the numbers that one takes on the heap.
    for (let m = 0; m <= parts; m++) {
      for (let n = 0; n <= parts - m; n++) {
        let kind = kinds[t];
        const corner = m === parts ? b : n === parts ? c : m + n === 0 ? a : -1;
        if (corner >= 0) {
          const before = marked[corner];
          const after = before | kind | MARKED;
          if (after === before) continue;
          marked[corner] = after;
          kind &= ~before;
        }
        const r = m / parts;
        const q = n / parts;
        const x = places[3 * a] + r * ux + q * vx;
        const y = places[3 * a + 1] + r * uy + q * vy;
        const z = places[3 * a + 2] + r * uz + q * vz;
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
      }
    }
  }
  return out;
}
