/** The skin's mesh of one identity: linear in the expression, as the network behind it is. */
export interface LinearMesh {
  /** `[V, 3]`, metres. */
  rest: Float32Array;
  /** Per expression weight `[V, 3]`: metres per unit. */
  moves: readonly Float32Array[];
  /** `[F, 3]` */
  triangles: Uint32Array;
}

/** The mesh at an expression. @param expression - `[De]` @returns `[V, 3]`, metres. */
export function poseMesh({ rest, moves }: LinearMesh, expression: Float32Array): Float32Array {
  const out = Float32Array.from(rest);
  expression.forEach((weight, k) => {
    if (weight === 0) return;
    const move = moves[k];
    for (let i = 0; i < out.length; i++) out[i] += weight * move[i];
  });
  return out;
}

/** Which triangles have a vertex that moved by more than `least` metres. @returns `[F]`, 1 where so. */
export function movedTriangles({ rest, triangles }: LinearMesh, positions: Float32Array, least: number): Uint8Array {
  const moved = new Uint8Array(rest.length / 3);
  for (let v = 0, i = 0; v < moved.length; v++, i += 3) {
    const x = positions[i] - rest[i];
    const y = positions[i + 1] - rest[i + 1];
    const z = positions[i + 2] - rest[i + 2];
    if (x * x + y * y + z * z > least * least) moved[v] = 1;
  }
  return Uint8Array.from(
    { length: triangles.length / 3 },
    (_, t) => moved[triangles[3 * t]] | moved[triangles[3 * t + 1]] | moved[triangles[3 * t + 2]],
  );
}

/** What holds a mesh, with a margin, metres. */
export function meshBounds(positions: Float32Array, margin: number): { min: Float32Array; max: Float32Array } {
  const min = new Float32Array(3).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(3).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < positions.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      const x = positions[i + k];
      if (x < min[k]) min[k] = x;
      if (x > max[k]) max[k] = x;
    }
  }
  return { min: min.map((x) => x - margin), max: max.map((x) => x + margin) };
}
