import type { PartMesh } from './types.js';
import { normalise } from './vectors.js';

/**
 * Tangents as glTF takes them: x along growing u, orthogonal to the normal, and w = +1 or -1, so that the bitangent, cross(normal, tangent) * w, points to where v gets
 * less: up in the texture. Each triangle counts by its area.
 *
 * @param mesh - normals of unit length; UV with (0, 0) at the top left.
 * @param out - destination `[V, 4]`; any direction across the normal where the texture has no extent.
 * @see Lengyel, "Foundations of Game Engine Development 2", 7.5. MikkTSpace, which viewers take where a file has no tangents, differs at seams, of which the skin has none.
 */
export function computeTangents(
  { positions, normals, uvs, indices }: Pick<PartMesh, 'positions' | 'normals' | 'uvs' | 'indices'>,
  out = new Float32Array((positions.length / 3) * 4),
): Float32Array {
  const along = new Float64Array(positions.length); // by u
  const down = new Float64Array(positions.length); // by v
  for (let t = 0; t < indices.length; t += 3) {
    const [a, b, c] = [indices[t], indices[t + 1], indices[t + 2]];
    const u1 = uvs[2 * b] - uvs[2 * a];
    const v1 = uvs[2 * b + 1] - uvs[2 * a + 1];
    const u2 = uvs[2 * c] - uvs[2 * a];
    const v2 = uvs[2 * c + 1] - uvs[2 * a + 1];
    // The two derivatives times twice the triangle's area in the texture, by its sign: what is left weighs triangles by both areas.
    const sign = Math.sign(u1 * v2 - u2 * v1);
    for (let k = 0; k < 3; k++) {
      const e1 = positions[3 * b + k] - positions[3 * a + k];
      const e2 = positions[3 * c + k] - positions[3 * a + k];
      const byU = sign * (v2 * e1 - v1 * e2);
      const byV = sign * (u1 * e2 - u2 * e1);
      for (const vertex of [a, b, c]) {
        along[3 * vertex + k] += byU;
        down[3 * vertex + k] += byV;
      }
    }
  }
  for (let i = 0; i < positions.length / 3; i++) {
    const [nx, ny, nz] = [normals[3 * i], normals[3 * i + 1], normals[3 * i + 2]];
    let [x, y, z] = [along[3 * i], along[3 * i + 1], along[3 * i + 2]];
    let into = x * nx + y * ny + z * nz;
    if (Math.hypot(x - into * nx, y - into * ny, z - into * nz) < 1e-20) {
      [x, y, z] = Math.abs(nx) < 0.9 ? [1, 0, 0] : [0, 1, 0];
      into = x * nx + y * ny + z * nz;
    }
    x -= into * nx;
    y -= into * ny;
    z -= into * nz;
    const length = Math.hypot(x, y, z);
    const up =
      (ny * z - nz * y) * -down[3 * i] + (nz * x - nx * z) * -down[3 * i + 1] + (nx * y - ny * x) * -down[3 * i + 2];
    out.set([x / length, y / length, z / length, up < 0 ? -1 : 1], 4 * i);
  }
  return out;
}

/** Makes a tangent `[4]` that was interpolated, or is a neighbour's, orthogonal to a unit normal `[3]` and of unit length, in place. */
export function alignTangent(normal: Float64Array, tangent: Float64Array): void {
  const into = tangent[0] * normal[0] + tangent[1] * normal[1] + tangent[2] * normal[2];
  for (let k = 0; k < 3; k++) tangent[k] -= into * normal[k];
  normalise(tangent);
}
