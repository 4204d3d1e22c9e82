import type { SurfaceSamples } from './surface-samples.js';

/** The triangles around some of a mesh's vertices. */
export interface VertexRings {
  /** `[N]` each the vertices of its triangles, three by three, of which the first is the vertex itself. */
  triangles: Int32Array[];
  /** `[N]` each the vertices that occur in them, once. */
  vertices: Int32Array[];
}

/**
 * @param triangles - `[F, 3]` of the mesh.
 * @param index - `[N]` which of its vertices.
 */
export function vertexRings(triangles: Uint32Array, index: Int32Array): VertexRings {
  const around = new Map<number, number[]>();
  for (const vertex of index) around.set(vertex, []);
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = triangles.subarray(t, t + 3);
    for (let k = 0; k < 3; k++) around.get(corners[k])?.push(corners[k], corners[(k + 1) % 3], corners[(k + 2) % 3]);
  }
  const rings = Array.from(index, (vertex) => Int32Array.from(around.get(vertex)!));
  return { triangles: rings, vertices: rings.map((ring) => Int32Array.from(new Set(ring))) };
}

/**
 * How the normal of vertex n of the rings, of `computeNormals`, turns with each code: the derivative of the sum of its triangles' normals, weighted by their angles at the vertex, brought to unit length.
 *
 * @param rows - `[3][Dg + De ..]` derivatives of the normal's x, y and z per unit of code; what follows the codes stays.
 * @param positions - `[V, 3]` the mesh at the present codes.
 * @param vertices - all of the mesh's vertices.
 */
export function fillNormalRows(
  rows: readonly Float64Array[],
  { triangles, vertices: ringVertices }: VertexRings,
  n: number,
  positions: Float32Array,
  { jacobian, codeSize }: SurfaceSamples,
): void {
  const ring = triangles[n];
  const corners = ringVertices[n];
  // [corner, 3, 3]: how the sum moves with each corner.
  const byCorner = new Float64Array(9 * corners.length);
  const sum = [0, 0, 0];
  for (let t = 0; t < ring.length; t += 3) addTriangle(ring.subarray(t, t + 3), positions, corners, sum, byCorner);
  const length = Math.hypot(...sum);
  for (let i = 0; i < 3; i++) rows[i].fill(0, 0, codeSize);
  if (length === 0) return;
  const [nx, ny, nz] = sum.map((s) => s / length);
  const [first, second, third] = rows;
  for (let m = 0; m < corners.length; m++) {
    for (let j = 0; j < 3; j++) {
      const at = 9 * m + j;
      const along = nx * byCorner[at] + ny * byCorner[at + 3] + nz * byCorner[at + 6];
      const x = (byCorner[at] - along * nx) / length;
      const y = (byCorner[at + 3] - along * ny) / length;
      const z = (byCorner[at + 6] - along * nz) / length;
      addMoves(jacobian, (3 * corners[m] + j) * codeSize, codeSize, first, x, second, y, third, z);
    }
  }
}

// Functions of their own, which engines compile sooner than a long loop that is entered once.

function addMoves(
  jacobian: Float32Array,
  from: number,
  count: number,
  first: Float64Array,
  x: number,
  second: Float64Array,
  y: number,
  third: Float64Array,
  z: number,
): void {
  for (let k = 0; k < count; k++) {
    const move = jacobian[from + k];
    first[k] += x * move;
    second[k] += y * move;
    third[k] += z * move;
  }
}

/** Adds the normal of a triangle, times its angle at the first corner, and its derivative by the corners: of the direction and of the angle. */
function addTriangle(
  triangle: Int32Array,
  positions: Float32Array,
  corners: Int32Array,
  sum: number[],
  byCorner: Float64Array,
): void {
  const [p, q, r] = [3 * triangle[0], 3 * triangle[1], 3 * triangle[2]];
  const edge = (from: number, to: number) => [
    positions[to] - positions[from],
    positions[to + 1] - positions[from + 1],
    positions[to + 2] - positions[from + 2],
  ];
  const toQ = edge(p, q);
  const toR = edge(p, r);
  const product = cross(toQ, toR);
  const area = Math.hypot(...product);
  if (area === 0) return;
  const angle = Math.atan2(area, dot(toQ, toR));
  const u = product.map((x) => x / area);
  for (let i = 0; i < 3; i++) sum[i] += angle * u[i];
  const turnQ = cross(toQ, u).map((x) => x / dot(toQ, toQ));
  const turnR = cross(u, toR).map((x) => x / dot(toR, toR));
  const turnP = turnQ.map((x, i) => -x - turnR[i]);
  // The cross product of the edges moves by d x e, where corner d faces the edge e.
  addCorner(byCorner, corners.indexOf(triangle[0]), angle / area, u, edge(r, q), turnP);
  addCorner(byCorner, corners.indexOf(triangle[1]), angle / area, u, edge(p, r), turnQ);
  addCorner(byCorner, corners.indexOf(triangle[2]), angle / area, u, edge(q, p), turnR);
}

/** `scale (I - u u^T) (d x e) + u (turn . d)` as a matrix on d. */
function addCorner(out: Float64Array, corner: number, scale: number, u: number[], e: number[], turn: number[]): void {
  const across = [0, e[2], -e[1], -e[2], 0, e[0], e[1], -e[0], 0];
  const along = cross(e, u);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      out[9 * corner + 3 * i + j] += scale * (across[3 * i + j] - u[i] * along[j]) + u[i] * turn[j];
    }
  }
}

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
