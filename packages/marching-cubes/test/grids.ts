import type { Field } from '@implicit-faces/test-utils';
import type { Grid, IndexedMesh } from '../src/index.js';

/** Samples a field on `nodes^3` nodes over the cube from -half to half. */
export function sampleField(field: Field, nodes: number, half: number): Grid {
  const spacing = (2 * half) / (nodes - 1);
  const data = new Float32Array(nodes ** 3);
  // Places as 32-bit numbers, which is what the sparse version hands out.
  const at = Float32Array.from({ length: nodes }, (_, i) => -half + spacing * i);
  let i = 0;
  for (const z of at) for (const y of at) for (const x of at) data[i++] = field.evaluate(x, y, z);
  return { data, dims: [nodes, nodes, nodes], origin: [-half, -half, -half], spacing };
}

/** Sets the nodes on the grid's border, so that any surface is closed. */
export function withBorder(grid: Grid, value: number): Grid {
  const [nx, ny, nz] = grid.dims;
  const data = grid.data.slice();
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++) {
        const isBorder = x % (nx - 1) === 0 || y % (ny - 1) === 0 || z % (nz - 1) === 0;
        if (isBorder) data[x + nx * (y + ny * z)] = Math.max(data[x + nx * (y + ny * z)], value);
      }
    }
  }
  return { ...grid, data };
}

/** The triangles as text, each starting at its least corner, sorted: equal for equal meshes whatever the order of vertices. */
export function trianglesOf({ positions, indices }: IndexedMesh): string[] {
  const corner = (v: number) => positions.subarray(3 * v, 3 * v + 3).join(' ');
  const triangles: string[] = [];
  for (let f = 0; f < indices.length; f += 3) {
    const corners = Array.from(indices.subarray(f, f + 3), corner);
    const first = corners.indexOf([...corners].sort()[0]);
    triangles.push([0, 1, 2].map((k) => corners[(first + k) % 3]).join(' | '));
  }
  return triangles.sort();
}
