/** x, y, z. */
export type Vector3 = readonly [x: number, y: number, z: number];

/** A regular grid of distances. */
export interface Grid {
  /** One distance per node, x fastest: `data[x + dims[0] * (y + dims[1] * z)]`, negative inside. */
  data: Float32Array | Float64Array;
  /** Nodes along x, y, z; at least 2 each. */
  dims: Vector3;
  /** The place of node (0, 0, 0). */
  origin: Vector3;
  /** The distance between nodes, one number or one per axis. */
  spacing: number | Vector3;
}

/** An indexed triangle mesh, in the units of the grid's spacing. */
export interface IndexedMesh {
  /** `[V, 3]` x, y, z. */
  positions: Float32Array<ArrayBuffer>;
  /** `[F, 3]`, counter-clockwise seen from outside. */
  indices: Uint32Array<ArrayBuffer>;
}
