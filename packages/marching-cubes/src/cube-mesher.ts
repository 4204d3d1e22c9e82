import { AMBIGUOUS_FACES, CENTRE, cubeCase, EDGE_AXIS, EDGE_START, FACE_CORNERS } from './tables.js';
import type { IndexedMesh, Vector3 } from './types.js';

/** A crossing stays this share of a cell away from its ends: a node that is exactly on the surface would make triangles without area. */
const MARGIN = 1e-3;

/** Edges run along one axis only, so this is where edge `e` starts and which axis it follows, unpacked for the hot loop. */
const START_X = /* @__PURE__ */ EDGE_START.map((corner) => corner & 1);
const START_Y = /* @__PURE__ */ EDGE_START.map((corner) => (corner >> 1) & 1);
const START_Z = /* @__PURE__ */ EDGE_START.map((corner) => corner >> 2);

/** Collects the triangles of one cube after another. Cubes share vertices through a table of ids that the caller keeps. */
export class CubeMesher {
  private positions = new Float32Array(3 * 4096);
  private indices = new Uint32Array(3 * 8192);
  private vertexCount = 0;
  private indexCount = 0;
  private readonly ids = new Int32Array(CENTRE + 1);

  constructor(
    private readonly origin: Vector3,
    private readonly spacing: Vector3,
    private readonly isolevel: number,
  ) {}

  /**
   * Adds the triangles of the cube whose lowest node is (x, y, z).
   *
   * @param signs - one bit per corner that is inside; neither 0 nor 255.
   * @param values - distances; corner `c` is at `base + cornerOffsets[c]`.
   * @param vertexIds - the vertex on each edge, -1 where there is none yet; edge `e` is at `idBase + edgeOffsets[e]`.
   */
  add(
    x: number,
    y: number,
    z: number,
    signs: number,
    values: Float32Array | Float64Array,
    base: number,
    cornerOffsets: Int32Array,
    vertexIds: Int32Array,
    idBase: number,
    edgeOffsets: Int32Array,
  ): void {
    const ambiguous = AMBIGUOUS_FACES[signs];
    const joined = ambiguous === 0 ? 0 : this.joinedFaces(signs, ambiguous, values, base, cornerOffsets);
    const { edges, triangles, centre } = cubeCase(signs, joined);
    const { ids } = this;
    for (let rest = edges; rest !== 0; rest &= rest - 1) {
      const edge = 31 - Math.clz32(rest & -rest);
      const slot = idBase + edgeOffsets[edge];
      let id = vertexIds[slot];
      if (id < 0) {
        const axis = EDGE_AXIS[edge];
        const corner = EDGE_START[edge];
        const from = values[base + cornerOffsets[corner]];
        const to = values[base + cornerOffsets[corner | (1 << axis)]];
        const share = Math.min(Math.max((this.isolevel - from) / (to - from), MARGIN), 1 - MARGIN);
        id = this.addVertex(
          this.origin[0] + this.spacing[0] * (x + START_X[edge] + (axis === 0 ? share : 0)),
          this.origin[1] + this.spacing[1] * (y + START_Y[edge] + (axis === 1 ? share : 0)),
          this.origin[2] + this.spacing[2] * (z + START_Z[edge] + (axis === 2 ? share : 0)),
        );
        vertexIds[slot] = id;
      }
      ids[edge] = id;
    }
    if (centre.length > 0) ids[CENTRE] = this.addMean(centre);

    if (this.indexCount + triangles.length > this.indices.length) this.indices = grown(this.indices);
    for (let i = 0; i < triangles.length; i++) this.indices[this.indexCount++] = ids[triangles[i]];
  }

  /** The mesh so far, in arrays of its own. */
  finish(): IndexedMesh {
    return {
      positions: this.positions.slice(0, 3 * this.vertexCount),
      indices: this.indices.slice(0, this.indexCount),
    };
  }

  private addVertex(x: number, y: number, z: number): number {
    const at = 3 * this.vertexCount;
    if (at + 3 > this.positions.length) this.positions = grown(this.positions);
    this.positions[at] = x;
    this.positions[at + 1] = y;
    this.positions[at + 2] = z;
    return this.vertexCount++;
  }

  /** Adds the mean of the vertices on the given edges. */
  private addMean(edges: Uint8Array): number {
    const mean = [0, 0, 0];
    for (const edge of edges)
      for (let k = 0; k < 3; k++) mean[k] += this.positions[3 * this.ids[edge] + k] / edges.length;
    return this.addVertex(mean[0], mean[1], mean[2]);
  }

  /**
   * On an ambiguous face, joins the inside corners where the face's bilinear interpolant is inside at its saddle (Nielson and Hamann
   * 1991, "The asymptotic decider"). It depends on the face's four distances only, so both cubes of the face agree.
   */
  private joinedFaces(
    signs: number,
    ambiguous: number,
    values: Float32Array | Float64Array,
    base: number,
    cornerOffsets: Int32Array,
  ): number {
    let joined = 0;
    for (let face = 0; face < 6; face++) {
      if (((ambiguous >> face) & 1) === 0) continue;
      const first = FACE_CORNERS[4 * face];
      const at = (i: number) => values[base + cornerOffsets[FACE_CORNERS[4 * face + i]]] - this.isolevel;
      const firstPair = at(0) * at(2);
      const secondPair = at(1) * at(3);
      const isFirstInside = ((signs >> first) & 1) === 1;
      if (isFirstInside ? firstPair > secondPair : secondPair > firstPair) joined |= 1 << face;
    }
    return joined;
  }
}

function grown<T extends Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}
