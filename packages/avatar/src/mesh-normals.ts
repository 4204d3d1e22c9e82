/**
 * Smooth normals: each corner adds its triangle's normal, weighted by the corner's angle, so that the result does not depend on how a
 * surface is cut into triangles (Thürmer and Wüthrich, "Computing vertex normals from polygonal facets", 1998).
 *
 * @param positions - `[V, 3]`
 * @param indices - `[F, 3]`, counter-clockwise seen from outside.
 * @param out - destination `[V, 3]`, unit length; (0, 0, 1) where no triangle with an area is.
 */
export function computeNormals(
  positions: Float32Array,
  indices: Uint32Array,
  out = new Float32Array(positions.length),
): Float32Array {
  out.fill(0);
  for (let t = 0; t < indices.length; t += 3)
    addTriangle(positions, 3 * indices[t], 3 * indices[t + 1], 3 * indices[t + 2], out);
  for (let i = 0; i < out.length; i += 3) normaliseAt(out, i);
  return out;
}

// Functions of their own, which engines compile sooner than a long loop that is entered once.

/** Adds a triangle's normal to its corners', which begin at a, b and c. */
function addTriangle(positions: Float32Array, a: number, b: number, c: number, out: Float32Array): void {
  const x1 = positions[b] - positions[a];
  const y1 = positions[b + 1] - positions[a + 1];
  const z1 = positions[b + 2] - positions[a + 2];
  const x2 = positions[c] - positions[a];
  const y2 = positions[c + 1] - positions[a + 1];
  const z2 = positions[c + 2] - positions[a + 2];
  const nx = y1 * z2 - z1 * y2;
  const ny = z1 * x2 - x1 * z2;
  const nz = x1 * y2 - y1 * x2;
  const area = Math.sqrt(nx * nx + ny * ny + nz * nz);
  if (area === 0) return;
  // From the cross product and the dot products at each corner, hence no arc cosines of lengths.
  const ab = x1 * x1 + y1 * y1 + z1 * z1;
  const ac = x2 * x2 + y2 * y2 + z2 * z2;
  const dot = x1 * x2 + y1 * y2 + z1 * z2;
  const angleA = Math.atan2(area, dot) / area;
  const angleB = Math.atan2(area, ab - dot) / area;
  const angleC = Math.atan2(area, ac - dot) / area;
  out[a] += angleA * nx;
  out[a + 1] += angleA * ny;
  out[a + 2] += angleA * nz;
  out[b] += angleB * nx;
  out[b + 1] += angleB * ny;
  out[b + 2] += angleB * nz;
  out[c] += angleC * nx;
  out[c + 1] += angleC * ny;
  out[c + 2] += angleC * nz;
}

function normaliseAt(out: Float32Array, i: number): void {
  // Angles times directions: their squares neither vanish nor overflow.
  const length = Math.sqrt(out[i] * out[i] + out[i + 1] * out[i + 1] + out[i + 2] * out[i + 2]);
  if (length > 0) {
    out[i] /= length;
    out[i + 1] /= length;
    out[i + 2] /= length;
  } else {
    out[i + 2] = 1;
  }
}
