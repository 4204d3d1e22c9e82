import { CubeMesher } from './cube-mesher.js';
import { FaceError } from './errors.js';
import { EDGE_AXIS, EDGE_START } from './tables.js';
import type { IndexedMesh, Vector3 } from './types.js';

export interface SparseMarchingCubesOptions {
  /**
   * Distances at a batch of points, `[N, 3]` -> `[N]`, negative inside. It is called with one batch after another, never with the same
   * place twice at the finest level.
   */
  evaluate: (points: Float32Array<ArrayBuffer>) => Float32Array | Promise<Float32Array>;
  /** The box to search. Its upper end is moved out to whole cells. */
  bounds: { min: Vector3; max: Vector3 };
  /** Edge of a cell, in the units of the bounds. */
  cellSize: number;
  /** The distance at which the surface is. */
  isolevel?: number;
  /**
   * How fast the field can change: `|f(a) - f(b)| <= lipschitz * |a - b|`. 1 for true distances; a learned field wants a little more.
   * Too small a value may lose parts of the surface, a larger one costs evaluations.
   */
  lipschitz?: number;
  /** Whether the box's own faces end the solid, so that the mesh is closed even where the surface leaves the box. */
  closeAtBounds?: boolean;
  /** Most points per call of `evaluate`. */
  batchSize?: number;
  signal?: AbortSignal;
  /** Called after each batch with the share of the work that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export const SPARSE_MARCHING_CUBES_DEFAULTS = { isolevel: 0, lipschitz: 1, closeAtBounds: true, batchSize: 65536 };

/** Cells along a brick's edge; nodes and vertex ids are stored by brick. */
const BRICK = 8;
/** Cells along a block's edge at the first and the last level of the search. Stopping at 2 took the fewest evaluations; 4 took 1.5 times as many. */
const FIRST_BLOCK = 32;
const LAST_BLOCK = 2;
/** The search's share of the progress; it takes about a fifth of the evaluations. */
const SEARCH_SHARE = 0.2;

interface Brick {
  x: number;
  y: number;
  z: number;
  /** Distances at its 8 x 8 x 8 nodes; NaN where none is needed. */
  values: Float32Array;
  /** Vertex ids on the edges that start at its nodes, along x, then y, then z; -1 where there is none. */
  vertexIds: Int32Array;
}

/**
 * The mesh of an isosurface of a field that is expensive to evaluate: looks for the surface from coarse to fine, leaves out every block
 * that the Lipschitz bound proves empty, and evaluates nodes near the surface only. The result is the same mesh as `marchingCubes`
 * makes of the whole grid, up to the order of vertices: indexed, wound outward, closed.
 *
 * @throws FaceError `OPTIONS` for bounds, sizes or a bound that make no sense; `SHAPE` when `evaluate` returns another number of
 * distances; `NOT_FINITE` when one is NaN or infinite. The signal's reason when aborted.
 * @example
 * const head = await sparseMarchingCubes({
 *   evaluate: (points) => model.evaluate(points, codes), bounds, cellSize: 0.0015, lipschitz: 1.3,
 * });
 */
export async function sparseMarchingCubes(options: SparseMarchingCubesOptions): Promise<IndexedMesh> {
  const { evaluate, bounds, cellSize, signal, onProgress } = options;
  const isolevel = options.isolevel ?? SPARSE_MARCHING_CUBES_DEFAULTS.isolevel;
  const lipschitz = options.lipschitz ?? SPARSE_MARCHING_CUBES_DEFAULTS.lipschitz;
  const closeAtBounds = options.closeAtBounds ?? SPARSE_MARCHING_CUBES_DEFAULTS.closeAtBounds;
  const batchSize = options.batchSize ?? SPARSE_MARCHING_CUBES_DEFAULTS.batchSize;
  checkOptions(options, { isolevel, lipschitz, batchSize });

  const { min } = bounds;
  const cells = bounds.max.map((end, axis) => Math.max(1, Math.ceil((end - min[axis]) / cellSize - 1e-9)));

  /** Distances at places given in cells, `[N, 3]`, batch by batch. */
  async function distancesAt(places: number[], progressFrom: number, progressTo: number): Promise<Float32Array> {
    const count = places.length / 3;
    const distances = new Float32Array(count);
    for (let begin = 0; begin < count; begin += batchSize) {
      signal?.throwIfAborted();
      const end = Math.min(begin + batchSize, count);
      const points = new Float32Array(3 * (end - begin));
      for (let i = 0; i < points.length; i++) points[i] = min[i % 3] + cellSize * places[3 * begin + i];
      const batch = await evaluate(points);
      if (batch.length !== end - begin) {
        throw new FaceError(
          'SHAPE',
          `sparseMarchingCubes: evaluate should return ${end - begin} distances; received ${batch.length}. Return one per point.`,
        );
      }
      const bad = batch.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new FaceError(
          'NOT_FINITE',
          `sparseMarchingCubes: distances should be finite; the one at (${points.subarray(3 * bad, 3 * bad + 3)}) is ${batch[bad]}. Narrow the bounds or repair the field.`,
        );
      }
      distances.set(batch, begin);
      onProgress?.(progressFrom + ((progressTo - progressFrom) * end) / count);
    }
    signal?.throwIfAborted();
    return distances;
  }

  // Search: blocks as x, y, z of their lowest node.
  let blocks: number[] = [];
  for (let z = 0; z < cells[2]; z += FIRST_BLOCK) {
    for (let y = 0; y < cells[1]; y += FIRST_BLOCK) {
      for (let x = 0; x < cells[0]; x += FIRST_BLOCK) blocks.push(x, y, z);
    }
  }
  const levels = 1 + Math.log2(FIRST_BLOCK / LAST_BLOCK);
  for (let size = FIRST_BLOCK, level = 1; ; size /= 2, level++) {
    // Each level has about four times the blocks of the one before.
    const [from, to] = [level - 1, level].map((n) => SEARCH_SHARE * 4 ** (n - levels));
    blocks = blocksNearSurface(blocks, size, await distancesAt(blockCentres(blocks, size), level === 1 ? 0 : from, to));
    if (size === LAST_BLOCK) break;
    blocks = split(blocks, size / 2);
  }

  function blockCentres(blocks: readonly number[], size: number): number[] {
    return blocks.map((low, i) => (low + Math.min(low + size, cells[i % 3])) / 2);
  }

  /** Keeps the blocks whose nodes may be on both sides of the surface, or that touch a side of the box that has to be closed. */
  function blocksNearSurface(blocks: readonly number[], size: number, distances: Float32Array): number[] {
    const near: number[] = [];
    for (let i = 0; i < distances.length; i++) {
      const low = blocks.slice(3 * i, 3 * i + 3);
      const extent = low.map((start, axis) => Math.min(size, cells[axis] - start));
      const radius = (cellSize * Math.hypot(extent[0], extent[1], extent[2])) / 2;
      const away = distances[i] - isolevel;
      const touchesBounds = low.some((start, axis) => start === 0 || start + size >= cells[axis]);
      const mayCross = Math.abs(away) <= lipschitz * radius * (1 + 1e-5);
      if (mayCross || (closeAtBounds && touchesBounds && away < 0)) near.push(low[0], low[1], low[2]);
    }
    return near;
  }

  function split(blocks: readonly number[], half: number): number[] {
    const children: number[] = [];
    for (let i = 0; i < blocks.length; i += 3) {
      for (let child = 0; child < 8; child++) {
        const low = [0, 1, 2].map((axis) => blocks[i + axis] + half * ((child >> axis) & 1));
        if (low.every((start, axis) => start < cells[axis])) children.push(low[0], low[1], low[2]);
      }
    }
    return children;
  }

  // Sampling: every node of the blocks that are left, once.
  const bricks = new BrickStore(cells);
  const nodes: number[] = [];
  const owners: Brick[] = [];
  const slots: number[] = [];
  for (let i = 0; i < blocks.length; i += 3) {
    const end = [0, 1, 2].map((axis) => Math.min(blocks[i + axis] + LAST_BLOCK, cells[axis]));
    for (let z = blocks[i + 2]; z <= end[2]; z++) {
      for (let y = blocks[i + 1]; y <= end[1]; y++) {
        for (let x = blocks[i]; x <= end[0]; x++) {
          const brick = bricks.at(x, y, z);
          const slot = slotOf(x % BRICK, y % BRICK, z % BRICK);
          if (!Number.isNaN(brick.values[slot])) continue;
          // Marks the node as taken; its distance comes below.
          brick.values[slot] = 0;
          nodes.push(x, y, z);
          owners.push(brick);
          slots.push(slot);
        }
      }
    }
  }
  const distances = await distancesAt(nodes, SEARCH_SHARE, 1);
  for (let i = 0; i < distances.length; i++) {
    const isOnBounds = [0, 1, 2].some((axis) => nodes[3 * i + axis] === 0 || nodes[3 * i + axis] === cells[axis]);
    // Half a cell outside: the closing face lies within the last layer of cells.
    const floor = closeAtBounds && isOnBounds ? isolevel + cellSize / 2 : Number.NEGATIVE_INFINITY;
    owners[i].values[slots[i]] = Math.max(distances[i], floor);
  }

  const mesher = new CubeMesher(min, [cellSize, cellSize, cellSize], isolevel);
  const padded = { values: new Float32Array(SIDE ** 3), vertexIds: new Int32Array(3 * SIDE ** 3) };
  for (const brick of bricks.inOrder()) meshBrick(mesher, bricks, brick, isolevel, padded);
  onProgress?.(1);
  return mesher.finish();
}

/** Nodes along the edge of a brick with the first nodes of its neighbours. */
const SIDE = BRICK + 1;
const CORNER_OFFSETS = /* @__PURE__ */ Int32Array.from({ length: 8 }, (_, c) =>
  paddedSlot(c & 1, (c >> 1) & 1, c >> 2),
);
const EDGE_OFFSETS = /* @__PURE__ */ Int32Array.from(
  { length: 12 },
  (_, e) => EDGE_AXIS[e] * SIDE ** 3 + CORNER_OFFSETS[EDGE_START[e]],
);

/** What one brick and the first nodes of its neighbours hold; used again for every brick. */
interface Padded {
  values: Float32Array;
  vertexIds: Int32Array;
}

/** Meshes the cells of one brick: gathers its nodes and those of its neighbours, and gives them back their new vertex ids. */
function meshBrick(mesher: CubeMesher, bricks: BrickStore, brick: Brick, isolevel: number, padded: Padded): void {
  const { values, vertexIds } = padded;
  values.fill(Number.NaN);
  vertexIds.fill(-1);
  const parts = bricks.withNeighbours(brick);
  for (const [part, owner] of parts.entries()) {
    if (!owner) continue;
    forEachRow(part, (from, to, length) => {
      copy(owner.values, from, values, to, length);
      for (let axis = 0; axis < 3; axis++) {
        copy(owner.vertexIds, from + axis * BRICK ** 3, vertexIds, to + axis * SIDE ** 3, length);
      }
    });
  }
  for (let z = 0; z < BRICK; z++) {
    for (let y = 0; y < BRICK; y++) {
      for (let x = 0; x < BRICK; x++) {
        const base = paddedSlot(x, y, z);
        let signs = 0;
        let isKnown = true;
        for (let corner = 0; corner < 8; corner++) {
          const value = values[base + CORNER_OFFSETS[corner]];
          if (value < isolevel) signs |= 1 << corner;
          if (Number.isNaN(value)) isKnown = false;
        }
        // A cell with a node that was never needed is proven empty.
        if (!isKnown || signs === 0 || signs === 255) continue;
        const cx = BRICK * brick.x + x;
        const cy = BRICK * brick.y + y;
        const cz = BRICK * brick.z + z;
        mesher.add(cx, cy, cz, signs, values, base, CORNER_OFFSETS, vertexIds, base, EDGE_OFFSETS);
      }
    }
  }
  for (const [part, owner] of parts.entries()) {
    if (!owner) continue;
    forEachRow(part, (from, to, length) => {
      for (let axis = 0; axis < 3; axis++) {
        copy(vertexIds, to + axis * SIDE ** 3, owner.vertexIds, from + axis * BRICK ** 3, length);
      }
    });
  }
}

/**
 * Calls back with the rows of nodes that one of the eight bricks gives to the padded brick: the brick itself all of its nodes, a
 * neighbour those on the side they share.
 *
 * @param part - which brick: bit 0 toward +x, bit 1 toward +y, bit 2 toward +z.
 * @param visit - called with the row's slot in that brick, its slot in the padded brick, and its length.
 */
function forEachRow(part: number, visit: (from: number, to: number, length: number) => void): void {
  const [dx, dy, dz] = [part & 1, (part >> 1) & 1, part >> 2];
  for (let z = 0; z < (dz ? 1 : BRICK); z++) {
    for (let y = 0; y < (dy ? 1 : BRICK); y++) {
      visit(slotOf(0, y, z), paddedSlot(dx * BRICK, y + dy * BRICK, z + dz * BRICK), dx ? 1 : BRICK);
    }
  }
}

/** Copies a short row; a loop is faster here than `set` with a view. */
function copy<T extends Float32Array | Int32Array>(
  source: T,
  from: number,
  target: T,
  to: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i];
}

function slotOf(x: number, y: number, z: number): number {
  return x + BRICK * (y + BRICK * z);
}

function paddedSlot(x: number, y: number, z: number): number {
  return x + SIDE * (y + SIDE * z);
}

/** Bricks by their place, created when first asked for. */
class BrickStore {
  private readonly bricks = new Map<number, Brick>();
  private readonly size: number[];

  constructor(cells: readonly number[]) {
    // One more than there are nodes, so that a neighbour's key never wraps around.
    this.size = cells.map((n) => Math.floor(n / BRICK) + 2);
  }

  /** The brick that owns a node. */
  at(nodeX: number, nodeY: number, nodeZ: number): Brick {
    const x = Math.floor(nodeX / BRICK);
    const y = Math.floor(nodeY / BRICK);
    const z = Math.floor(nodeZ / BRICK);
    const key = this.key(x, y, z);
    let brick = this.bricks.get(key);
    if (!brick) {
      brick = {
        x,
        y,
        z,
        values: new Float32Array(BRICK ** 3).fill(Number.NaN),
        vertexIds: new Int32Array(3 * BRICK ** 3).fill(-1),
      };
      this.bricks.set(key, brick);
    }
    return brick;
  }

  /** The brick and its neighbours toward +x, +y, +z: bit 0 of the place in the list is +x, bit 1 +y, bit 2 +z. */
  withNeighbours({ x, y, z }: Brick): (Brick | undefined)[] {
    return Array.from({ length: 8 }, (_, part) =>
      this.bricks.get(this.key(x + (part & 1), y + ((part >> 1) & 1), z + (part >> 2))),
    );
  }

  /** All bricks, by z, then y, then x, whatever the order they were made in. */
  inOrder(): Brick[] {
    return [...this.bricks.entries()].sort(([a], [b]) => a - b).map(([, brick]) => brick);
  }

  private key(x: number, y: number, z: number): number {
    return x + this.size[0] * (y + this.size[1] * z);
  }
}

function checkOptions(
  { bounds, cellSize }: SparseMarchingCubesOptions,
  numbers: { isolevel: number; lipschitz: number; batchSize: number },
): void {
  const wrong = (what: string) => new FaceError('OPTIONS', `sparseMarchingCubes: ${what}`);
  const ends = [...bounds.min, ...bounds.max];
  if (
    ends.length !== 6 ||
    !ends.every(Number.isFinite) ||
    !bounds.min.every((start, axis) => start < bounds.max[axis])
  ) {
    throw wrong(`bounds.min should be below bounds.max on every axis; received ${JSON.stringify(bounds)}.`);
  }
  if (!(cellSize > 0) || !Number.isFinite(cellSize)) throw wrong(`cellSize should be positive; received ${cellSize}.`);
  if (!Number.isFinite(numbers.isolevel)) throw wrong(`isolevel should be a number; received ${numbers.isolevel}.`);
  if (!(numbers.lipschitz > 0) || !Number.isFinite(numbers.lipschitz)) {
    throw wrong(`lipschitz should be positive; received ${numbers.lipschitz}.`);
  }
  if (!Number.isInteger(numbers.batchSize) || numbers.batchSize < 1) {
    throw wrong(`batchSize should be a whole number of 1 or more; received ${numbers.batchSize}.`);
  }
  const cells = bounds.max.map((end, axis) => (end - bounds.min[axis]) / cellSize);
  if (cells.some((n) => n > MAX_CELLS)) {
    throw wrong(
      `cellSize ${cellSize} makes ${Math.max(...cells).toFixed(0)} cells along an axis; ${MAX_CELLS} are the most. Use larger cells.`,
    );
  }
}

/** More cells than this along an axis is a mistake in the units, and would take all memory. */
const MAX_CELLS = 8192;
