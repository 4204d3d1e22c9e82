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
  const out = rest.slice();
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
  const out = new Uint8Array(triangles.length / 3);
  for (let t = 0, c = 0; t < out.length; t++, c += 3)
    out[t] = moved[triangles[c]] | moved[triangles[c + 1]] | moved[triangles[c + 2]];
  return out;
}

/** How far vertices have moved at most, along all axes together, metres. */
export function farthestMove({ rest }: LinearMesh, positions: Float32Array): number {
  let most = 0;
  for (let i = 0; i < rest.length; i += 3) {
    const sum =
      Math.abs(positions[i] - rest[i]) +
      Math.abs(positions[i + 1] - rest[i + 1]) +
      Math.abs(positions[i + 2] - rest[i + 2]);
    if (sum > most) most = sum;
  }
  return most;
}

/** What holds some triangles where they are and where they were at rest, with a margin, metres; nothing if there are none. @param chosen - their numbers. */
export function movedBounds(
  { rest, triangles }: LinearMesh,
  positions: Float32Array,
  chosen: Uint32Array,
  margin: number,
): { min: Float32Array; max: Float32Array } | undefined {
  if (chosen.length === 0) return undefined;
  const inside = new Uint8Array(rest.length / 3);
  for (const t of chosen) inside[triangles[3 * t]] = inside[triangles[3 * t + 1]] = inside[triangles[3 * t + 2]] = 1;
  const [now, before] = [positions, rest].map((points) => meshBounds(points, margin, inside));
  return {
    min: now.min.map((x, k) => Math.min(x, before.min[k])),
    max: now.max.map((x, k) => Math.max(x, before.max[k])),
  };
}

/** What holds a mesh, with a margin, metres. @param chosen - `[V]`, 0 for vertices to leave out. */
export function meshBounds(
  positions: Float32Array,
  margin: number,
  chosen?: Uint8Array,
): { min: Float32Array; max: Float32Array } {
  const min = new Float32Array(3).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(3).fill(Number.NEGATIVE_INFINITY);
  for (let v = 0, i = 0; i < positions.length; v++, i += 3) {
    if (chosen && chosen[v] === 0) continue;
    for (let k = 0; k < 3; k++) {
      const x = positions[i + k];
      if (x < min[k]) min[k] = x;
      if (x > max[k]) max[k] = x;
    }
  }
  return { min: min.map((x) => x - margin), max: max.map((x) => x + margin) };
}
