import { CubeMesher } from './cube-mesher.js';
import { FaceError } from './errors.js';
import { EDGE_AXIS, EDGE_START } from './tables.js';
import type { Grid, IndexedMesh, Vector3 } from './types.js';

/**
 * Turns a grid of distances into the mesh of an isosurface: indexed, wound outward, closed wherever the surface does not leave the
 * grid. Where a cube has several readings, its faces decide, so that neighbours always agree.
 *
 * @param grid - distances, negative inside, x fastest.
 * @param isolevel - the distance at which the surface is.
 * @throws FaceError `SHAPE` when dims and data do not fit; `OPTIONS` when spacing or origin make no sense; `NOT_FINITE` when a distance
 * is NaN or infinite.
 * @example
 * const { positions, indices } = marchingCubes({ data, dims: [64, 64, 64], origin: [-1, -1, -1], spacing: 2 / 63 });
 * @see Lorensen and Cline 1987. Differs: the case table is derived, see tables.ts, and ambiguous faces are decided by their values.
 */
export function marchingCubes(grid: Grid, isolevel = 0): IndexedMesh {
  const spacing = checkGrid(grid, isolevel);
  const { data, dims, origin } = grid;
  const [nx, ny, nz] = dims;
  const plane = nx * ny;
  const mesher = new CubeMesher(origin, spacing, isolevel);

  const cornerOffsets = Int32Array.from({ length: 8 }, (_, c) => (c & 1) + nx * ((c >> 1) & 1) + plane * (c >> 2));
  // Vertex ids: two planes (even and odd z) of edges along x, two along y, one of edges along z.
  const vertexIds = new Int32Array(5 * plane);
  const edgeOffsets = new Int32Array(12);

  // Column bits: node (x, y) in bit 0, node (x, y + 1) in bit 2; the plane above adds bits 4 and 6, the next column bits 1, 3, 5, 7.
  const inside = new Uint8Array(plane);
  let lower = { columns: new Uint8Array(plane), rows: new Uint8Array(ny) };
  let upper = { columns: new Uint8Array(plane), rows: new Uint8Array(ny) };
  readPlane(data, 0, nx, ny, isolevel, inside, lower);

  for (let z = 0; z < nz - 1; z++) {
    readPlane(data, z + 1, nx, ny, isolevel, inside, upper);
    const odd = z & 1;
    if (z === 0) vertexIds.fill(-1);
    else {
      // The plane above takes the place of the one below the layer before.
      vertexIds.fill(-1, (1 - odd) * plane, (2 - odd) * plane);
      vertexIds.fill(-1, (3 - odd) * plane, (4 - odd) * plane);
      vertexIds.fill(-1, 4 * plane);
    }
    for (let edge = 0; edge < 12; edge++) {
      const start = EDGE_START[edge];
      const section = EDGE_AXIS[edge] === 2 ? 4 : 2 * EDGE_AXIS[edge] + ((z + (start >> 2)) & 1);
      edgeOffsets[edge] = section * plane + (start & 1) + nx * ((start >> 1) & 1);
    }
    const below = lower.columns;
    const above = upper.columns;
    for (let y = 0; y < ny - 1; y++) {
      // Most rows of most grids do not meet the surface at all.
      if (lower.rows[y] !== MIXED && lower.rows[y] === upper.rows[y]) continue;
      const row = nx * y;
      let column = below[row] | (above[row] << 4);
      for (let x = 0; x < nx - 1; x++) {
        const at = row + x;
        const next = below[at + 1] | (above[at + 1] << 4);
        const signs = column | (next << 1);
        column = next;
        if (signs === 0 || signs === 255) continue;
        mesher.add(x, y, z, signs, data, at + plane * z, cornerOffsets, vertexIds, at, edgeOffsets);
      }
    }
    [lower, upper] = [upper, lower];
  }
  return mesher.finish();
}

/** A row of cells whose nodes are neither all inside nor all outside. */
const MIXED = 2;

/** Reads one plane's signs into columns (two rows of nodes each) and says of each row of cells whether it is all 0, all 1 or mixed. */
function readPlane(
  data: Float32Array | Float64Array,
  z: number,
  nx: number,
  ny: number,
  isolevel: number,
  inside: Uint8Array,
  out: { columns: Uint8Array; rows: Uint8Array },
): void {
  const from = z * nx * ny;
  for (let i = 0; i < nx * ny; i++) {
    const value = data[from + i];
    // True for NaN and for both infinities.
    if (value - value !== 0) throw notFinite(value, i % nx, Math.floor(i / nx), z);
    inside[i] = value < isolevel ? 1 : 0;
  }
  const { columns, rows } = out;
  for (let y = 0; y < ny - 1; y++) {
    let count = 0;
    for (let i = nx * y; i < nx * (y + 1); i++) {
      const column = inside[i] | (inside[i + nx] << 2);
      columns[i] = column;
      count += column;
    }
    rows[y] = count === 0 ? 0 : count === 5 * nx ? 1 : MIXED;
  }
}

function notFinite(value: number, x: number, y: number, z: number): FaceError {
  return new FaceError(
    'NOT_FINITE',
    `marchingCubes: distances should be finite; the one at node (${x}, ${y}, ${z}) is ${value}. Clamp or repair the grid.`,
  );
}

/** Checks a grid and returns its spacing along each axis. */
function checkGrid({ data, dims, origin, spacing }: Grid, isolevel: number): Vector3 {
  const wrong = (code: 'SHAPE' | 'OPTIONS', what: string) => new FaceError(code, `marchingCubes: ${what}`);
  if (!Array.isArray(dims) || dims.length !== 3 || !dims.every((n) => Number.isInteger(n) && n >= 2)) {
    throw wrong('SHAPE', `dims should be three whole numbers of 2 or more; received ${JSON.stringify(dims)}.`);
  }
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw wrong('SHAPE', 'data should be a Float32Array or Float64Array. Convert it.');
  }
  const size = dims[0] * dims[1] * dims[2];
  if (data.length !== size) {
    throw wrong(
      'SHAPE',
      `data should have ${dims.join(' x ')} = ${size} distances; received ${data.length}. Pass one per node, x fastest.`,
    );
  }
  const steps = typeof spacing === 'number' ? ([spacing, spacing, spacing] as const) : spacing;
  if (!isVector(steps) || !steps.every((step) => step > 0)) {
    throw wrong('OPTIONS', `spacing should be positive; received ${JSON.stringify(spacing)}.`);
  }
  if (!isVector(origin)) throw wrong('OPTIONS', `origin should be three numbers; received ${JSON.stringify(origin)}.`);
  if (!Number.isFinite(isolevel)) throw wrong('OPTIONS', `isolevel should be a number; received ${isolevel}.`);
  return steps;
}

function isVector(value: unknown): value is Vector3 {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}
