import type { Grid } from '../src/index.js';
import { AMBIGUOUS_FACES, CENTRE, cubeCase, EDGE_AXIS, EDGE_START, FACE_CORNERS } from '../src/tables.js';

/** The slow twin of `marchingCubes`: cube by cube, three new vertices per triangle, nothing shared, skipped or packed. */
export function naiveMarchingCubes(
  { data, dims: [nx, ny, nz], origin, spacing }: Grid,
  isolevel: number,
): number[][][] {
  const triangles: number[][][] = [];
  for (let z = 0; z < nz - 1; z++) {
    for (let y = 0; y < ny - 1; y++) {
      for (let x = 0; x < nx - 1; x++) {
        const place = (c: number) => [x + (c & 1), y + ((c >> 1) & 1), z + (c >> 2)];
        const values = Array.from({ length: 8 }, (_, c) => {
          const [px, py, pz] = place(c);
          return data[px + nx * (py + ny * pz)] - isolevel;
        });
        const signs = values.reduce((bits, value, c) => bits | (value < 0 ? 1 << c : 0), 0);
        let joined = 0;
        for (let face = 0; face < 6; face++) {
          const [a, b, c, d] = FACE_CORNERS.subarray(4 * face, 4 * face + 4);
          // The bilinear interpolant's value at its saddle.
          const saddle =
            (values[a] * values[c] - values[b] * values[d]) / (values[a] + values[c] - values[b] - values[d]);
          if ((AMBIGUOUS_FACES[signs] >> face) & 1 && saddle < 0) joined |= 1 << face;
        }
        const crossing = (edge: number) => {
          const start = EDGE_START[edge];
          const axis = EDGE_AXIS[edge];
          const from = values[start];
          const to = values[start | (1 << axis)];
          const point = place(start);
          point[axis] += Math.min(Math.max(-from / (to - from), 1e-3), 1 - 1e-3);
          return point.map((p, k) => origin[k] + (typeof spacing === 'number' ? spacing : spacing[k]) * p);
        };
        const { triangles: edges, centre } = cubeCase(signs, joined);
        const middle = [0, 1, 2].map(
          (k) => Array.from(centre, (e) => crossing(e)[k]).reduce((a, b) => a + b, 0) / centre.length,
        );
        for (let t = 0; t < edges.length; t += 3) {
          triangles.push(Array.from(edges.subarray(t, t + 3), (e) => (e === CENTRE ? middle : crossing(e))));
        }
      }
    }
  }
  return triangles;
}
