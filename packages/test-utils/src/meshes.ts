/** An indexed triangle mesh: `positions` `[V, 3]`, `indices` `[F, 3]`. */
export interface Mesh {
  positions: Float32Array;
  indices: Uint32Array;
}

/** A tetrahedron with corners at alternate corners of the cube of half size 1, wound outward. Volume 8/3. */
export function tetrahedron(): Mesh {
  return {
    positions: new Float32Array([1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1]),
    indices: new Uint32Array([0, 1, 2, 0, 3, 1, 0, 2, 3, 1, 3, 2]),
  };
}

/** What can be counted on a mesh. */
export interface MeshReport {
  /** Directed edges that occur without their twin. None on a closed, consistently wound mesh. */
  openEdges: number;
  /** Directed edges that occur more than once. None on a manifold. */
  repeatedEdges: number;
  /** Triangles that name a vertex twice. */
  degenerateFaces: number;
  /** Vertices that no triangle names. */
  unusedVertices: number;
  /** V - E + F over the used vertices: 2 per closed piece without handles, 2 less for each handle. */
  eulerNumber: number;
  area: number;
  /** Positive when a closed mesh is wound outward. */
  volume: number;
  min: [number, number, number];
  max: [number, number, number];
}

/** Counts edges, measures area and volume. */
export function reportMesh({ positions, indices }: Mesh): MeshReport {
  const vertexCount = positions.length / 3;
  const edges = new Map<number, number>();
  const used = new Set(indices);
  let degenerateFaces = 0;
  let area = 0;
  let volume = 0;
  for (let f = 0; f < indices.length; f += 3) {
    const [a, b, c] = indices.subarray(f, f + 3);
    if (a === b || b === c || c === a) degenerateFaces++;
    for (const key of [a * vertexCount + b, b * vertexCount + c, c * vertexCount + a])
      edges.set(key, (edges.get(key) ?? 0) + 1);
    const [ax, ay, az] = positions.subarray(3 * a, 3 * a + 3);
    const [bx, by, bz] = positions.subarray(3 * b, 3 * b + 3);
    const [cx, cy, cz] = positions.subarray(3 * c, 3 * c + 3);
    const nx = (by - ay) * (cz - az) - (bz - az) * (cy - ay);
    const ny = (bz - az) * (cx - ax) - (bx - ax) * (cz - az);
    const nz = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    area += Math.hypot(nx, ny, nz) / 2;
    volume += (ax * nx + ay * ny + az * nz) / 6;
  }
  let openEdges = 0;
  let repeatedEdges = 0;
  const undirected = new Set<number>();
  for (const [key, count] of edges) {
    const a = Math.floor(key / vertexCount);
    const b = key % vertexCount;
    if (count > 1) repeatedEdges++;
    if ((edges.get(b * vertexCount + a) ?? 0) !== count) openEdges++;
    undirected.add(Math.min(a, b) * vertexCount + Math.max(a, b));
  }
  const min: [number, number, number] = [Infinity, Infinity, Infinity];
  const max: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  positions.forEach((value, i) => {
    min[i % 3] = Math.min(min[i % 3], value);
    max[i % 3] = Math.max(max[i % 3], value);
  });
  return {
    openEdges,
    repeatedEdges,
    degenerateFaces,
    unusedVertices: vertexCount - used.size,
    eulerNumber: used.size - undirected.size + indices.length / 3,
    area,
    volume,
    min,
    max,
  };
}
