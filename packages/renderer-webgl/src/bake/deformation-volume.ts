import type { AddRow } from './change-kernel.js';
import { encodeHalf } from './half.js';
import {
  createFillRoom,
  type FillRoom,
  fillLattice,
  isEmpty,
  type Lattice,
  type LatticeWindow,
  latticeCount,
  wholeWindow,
  windowRange,
} from './lattice.js';

/** Offset to the canonical space and correction of the distance: four numbers a point. */
export const CHANNELS = 4;

/** One sheet's D on a lattice of the posed space. */
export interface DeformationBlock extends Lattice {
  /** 0 the head, 1 the jaw. */
  sheet: number;
  /** Its first point's texel. */
  offset: readonly [number, number, number];
}

/** The order of a layout's blocks: the head's coarse one and its fine ones, then the jaw's. */
export const BLOCKS = { head: 0, eyeLeft: 1, eyeRight: 2, mouth: 3, jaw: 4, jawMouth: 5 } as const;
/** The coarse block that each goes over into. */
export const COARSE_OF = [0, 0, 0, 0, 4, 4];

/** Where D is sampled: fixed for an identity, whatever the expression. */
export interface VolumeLayout {
  blocks: readonly DeformationBlock[];
  /** Of the texture, texels. */
  size: readonly [number, number, number];
}

/** D of both sheets for one pair of codes. */
export interface DeformationVolume extends VolumeLayout {
  /** Half floats `[nz, ny, nx, 4]`: canonical minus posed point and the distance's correction, metres. */
  data: Uint16Array;
}

/** Places blocks in one texture: the first in layers of its own, the others in rows beside and above each other. */
export function layOut(lattices: readonly (Lattice & { sheet: number })[]): VolumeLayout {
  const [first, ...rest] = lattices;
  const width = Math.max(...lattices.map(({ size }) => size[0]));
  const height = Math.max(...lattices.map(({ size }) => size[1]));
  const blocks: DeformationBlock[] = [{ ...first, offset: [0, 0, 0] }];
  const at = { x: 0, y: 0, z: first.size[2], rowHeight: 0, depth: 0 };
  for (const lattice of rest) {
    const [nx, ny, nz] = lattice.size;
    if (at.x + nx > width) Object.assign(at, { x: 0, y: at.y + at.rowHeight, rowHeight: 0 });
    if (at.y + ny > height) Object.assign(at, { x: 0, y: 0, z: at.z + at.depth, rowHeight: 0, depth: 0 });
    blocks.push({ ...lattice, offset: [at.x, at.y, at.z] });
    at.x += nx;
    at.rowHeight = Math.max(at.rowHeight, ny);
    at.depth = Math.max(at.depth, nz);
  }
  return { blocks, size: [width, height, at.z + at.depth] };
}

/** Numbers on a lattice while they are being made. */
export interface LatticeValues {
  lattice: Lattice;
  /** `[nz, ny, nx, 4]`, zero beyond the window. */
  values: Float32Array;
  /** `[nz, ny, nx]`, 1 where there is a value, 0 beyond the window. */
  known: Uint8Array;
  window: LatticeWindow;
  room: FillRoom;
  /** Of each row, `[nz, ny, 2]`: from which point to before which it was not zero when `addChange` wrote it last. */
  spans: Int16Array;
  /** Room for the next ones, and for what either has. */
  nextSpans: Int16Array;
  bothSpans: Int16Array;
}

/** @param floats - where the values are; a kernel reads them in its own memory. */
export function createValues(
  lattice: Lattice,
  floats: (count: number) => Float32Array = (count) => new Float32Array(count),
): LatticeValues {
  const count = latticeCount(lattice);
  const spans = () => clearSpans(lattice, new Int16Array(2 * lattice.size[1] * lattice.size[2]));
  return {
    lattice,
    values: floats(CHANNELS * count),
    known: new Uint8Array(count),
    window: wholeWindow(lattice),
    room: createFillRoom(lattice),
    spans: spans(),
    nextSpans: spans(),
    bothSpans: spans(),
  };
}

/** Rows that are zero begin behind their last point and end before their first. */
function clearSpans({ size: [nx] }: Lattice, out: Int16Array): Int16Array {
  for (let n = 0; n < out.length; n += 2) {
    out[n] = nx;
    out[n + 1] = 0;
  }
  return out;
}

/** Forgets all values and moves the window. */
export function resetValues(target: LatticeValues, window: LatticeWindow): void {
  const { lattice, values, known, window: before } = target;
  // Beyond the window all is zero already.
  const [begin, end] = windowRange(lattice, before);
  values.fill(0, CHANNELS * begin, CHANNELS * end);
  known.fill(0, begin, end);
  target.window = window;
}

/** How many points from its border a fine block goes over into the coarse one. */
const BLEND = 3;

/**
 * Fills all blocks outward from what is known and joins the fine ones to the coarse ones at their borders.
 *
 * @param reach - how far outward, metres, along axes.
 */
export function completeBlocks(blocks: readonly LatticeValues[], reach = Number.POSITIVE_INFINITY): void {
  for (const { lattice, values, known, window, room } of blocks)
    fillLattice(lattice, values, CHANNELS, known, window, room, Math.ceil(reach / lattice.step));
  blocks.forEach((block, b) => {
    const coarse = blocks[COARSE_OF[b]];
    if (coarse !== block && !isEmpty(block.window)) blendBorder(block, coarse);
  });
}

/** Twin of `sampleLattice` at a fine lattice's points, a row at a time: the four coarse rows around it are put together once, along which points are interpolated then. */
function blendBorder({ lattice, values, window: { first, end } }: LatticeValues, coarse: LatticeValues): void {
  const [nx, ny, nz] = lattice.size;
  const [cx, cy] = coarse.lattice.size;
  const [cellsX, cellsY, cellsZ] = [0, 1, 2].map((axis) => cellsAlong(lattice, coarse.lattice, axis));
  const row = new Float64Array(CHANNELS * cx);
  const rowBegin = CHANNELS * cellsX.cells[first[0]];
  const rowEnd = CHANNELS * (cellsX.cells[end[0] - 1] + 2);
  for (let k = first[2]; k < end[2]; k++) {
    const fz = cellsZ.shares[k];
    for (let j = first[1]; j < end[1]; j++) {
      const fy = cellsY.shares[j];
      const [w00, w10, w01, w11] = [(1 - fy) * (1 - fz), fy * (1 - fz), (1 - fy) * fz, fy * fz];
      const [dy, dz] = [CHANNELS * cx, CHANNELS * cx * cy];
      const begin = dy * cellsY.cells[j] + dz * cellsZ.cells[k];
      for (let n = rowBegin; n < rowEnd; n++) {
        const at = begin + n;
        row[n] =
          w00 * coarse.values[at] +
          w10 * coarse.values[at + dy] +
          w01 * coarse.values[at + dz] +
          w11 * coarse.values[at + dy + dz];
      }
      const inner = Math.min(j, ny - 1 - j, k, nz - 1 - k);
      for (let i = first[0]; i < end[0]; i++) {
        const depth = Math.min(inner, i, nx - 1 - i);
        if (depth >= BLEND) {
          // Straight to where the other border begins.
          i = Math.max(nx - 1 - BLEND, i);
          continue;
        }
        const at = CHANNELS * (i + nx * (j + ny * k));
        const from = CHANNELS * cellsX.cells[i];
        const fx = cellsX.shares[i];
        const share = depth / BLEND;
        for (let c = 0; c < CHANNELS; c++) {
          const other = (1 - fx) * row[from + c] + fx * row[from + CHANNELS + c];
          values[at + c] = share * values[at + c] + (1 - share) * other;
        }
      }
    }
  }
}

/** Along an axis, in which cell of a coarse lattice each point of a fine one lies, and which share of the cell is behind it; outside, as `sampleLattice` has it. */
function cellsAlong(fine: Lattice, coarse: Lattice, axis: number): { cells: Int32Array; shares: Float64Array } {
  const cells = new Int32Array(fine.size[axis]);
  const shares = new Float64Array(fine.size[axis]);
  const last = coarse.size[axis] - 1;
  for (let n = 0; n < cells.length; n++) {
    const place = (fine.origin[axis] + fine.step * n - coarse.origin[axis]) / coarse.step;
    const q = Math.min(Math.max(place, 0), last);
    cells[n] = Math.min(Math.floor(q), last - 1);
    shares[n] = q - cells[n];
  }
  return { cells, shares };
}

/** Changes below this one are none, metres: a half float of a centimetre can not tell. */
const NO_CHANGE = 4e-6;

/** Puts into `out` from which point to before which each row changes, as `spans` has it. */
function findSpans({ lattice, values, window: { first, end } }: LatticeValues, out: Int16Array): void {
  const [nx, ny] = lattice.size;
  clearSpans(lattice, out);
  const isStill = (at: number) =>
    Math.abs(values[at]) <= NO_CHANGE &&
    Math.abs(values[at + 1]) <= NO_CHANGE &&
    Math.abs(values[at + 2]) <= NO_CHANGE &&
    Math.abs(values[at + 3]) <= NO_CHANGE;
  for (let k = first[2]; k < end[2]; k++) {
    for (let j = first[1]; j < end[1]; j++) {
      const row = j + ny * k;
      let low = first[0];
      while (low < end[0] && isStill(CHANNELS * (nx * row + low))) low++;
      let high = end[0];
      while (high > low && isStill(CHANNELS * (nx * row + high - 1))) high--;
      if (low === high) continue;
      out[2 * row] = low;
      out[2 * row + 1] = high;
    }
  }
}

/**
 * Writes a block into the texture: the reference plus a change on a lattice of twice the step, which is interpolated. Rows are written where they change and where they changed the last time;
 * beyond, the texture holds the reference.
 *
 * @param reference - `[nz, ny, nx, 4]`; it, the change's values and the texture are in the kernel's memory.
 * @param data - the texture's numbers.
 * @param history - where to note the rows that were written.
 */
export function addChange(
  block: DeformationBlock,
  reference: Float32Array,
  change: LatticeValues,
  size: readonly [number, number, number],
  data: Uint16Array,
  addRow: AddRow,
  history?: RowHistory,
): void {
  const [nx, ny, nz] = block.size;
  const [cx, cy] = change.lattice.size;
  const [atX, atY, atZ] = block.offset;
  const { spans: before, nextSpans: spans, bothSpans: wanted } = change;
  findSpans(change, spans);
  for (let n = 0; n < wanted.length; n += 2) {
    wanted[n] = Math.min(spans[n], before[n]);
    wanted[n + 1] = Math.max(spans[n + 1], before[n + 1]);
  }
  change.spans = spans;
  change.nextSpans = before;
  const coarsePoint = (row: number, i: number) => change.values.byteOffset + 4 * CHANNELS * (cx * row + i);
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      // The coarse rows around this one: four, two or the one that it is.
      const a = (j >> 1) + cy * (k >> 1);
      const b = ((j + 1) >> 1) + cy * (k >> 1);
      const c = (j >> 1) + cy * ((k + 1) >> 1);
      const d = ((j + 1) >> 1) + cy * ((k + 1) >> 1);
      const low = Math.min(wanted[2 * a], wanted[2 * b], wanted[2 * c], wanted[2 * d]);
      const high = Math.max(wanted[2 * a + 1], wanted[2 * b + 1], wanted[2 * c + 1], wanted[2 * d + 1]);
      // The points between a span's border and the next of the coarse lattice change as well; what is written begins on a coarse point.
      const first = Math.max(low - 1, 0);
      const count = Math.min(2 * high, nx) - 2 * first;
      if (count <= 0) continue;
      if (history) history.written[atY + j + size[1] * (atZ + k)] = history.now;
      addRow(
        data.byteOffset + 2 * CHANNELS * (atX + 2 * first + size[0] * (atY + j + size[1] * (atZ + k))),
        reference.byteOffset + 4 * CHANNELS * (2 * first + nx * (j + ny * k)),
        coarsePoint(a, first),
        coarsePoint(b, first),
        coarsePoint(c, first),
        coarsePoint(d, first),
        count,
      );
    }
  }
}

/** When each of a texture's rows was written last, so that a copy of it need not take over what it has. */
export interface RowHistory {
  /** How often the texture has been written to. */
  now: number;
  /** `[nz, ny]`: at which of these times. */
  written: Uint32Array;
  /** As of when a copy is. */
  copies: WeakMap<Uint16Array, number>;
}

export function createRowHistory([, ny, nz]: VolumeLayout['size']): RowHistory {
  return { now: 0, written: new Uint32Array(ny * nz), copies: new WeakMap() };
}

/**
 * Copies a texture.
 *
 * @param out - an earlier copy of it, into which only rows go that have been written since. Allocated when absent; any other array of the size is written from end to end.
 * @returns `out`.
 */
export function copyRows(data: Uint16Array, { now, written, copies }: RowHistory, out?: Uint16Array): Uint16Array {
  const since = out && copies.get(out);
  const copy = out ?? data.slice();
  copies.set(copy, now);
  if (!out) return copy;
  if (since === undefined) {
    copy.set(data);
    return copy;
  }
  const row = data.length / written.length;
  for (let begin = 0; begin < written.length; begin++) {
    if (written[begin] <= since) continue;
    let end = begin + 1;
    while (end < written.length && written[end] > since) end++;
    copy.set(data.subarray(row * begin, row * end), row * begin);
    begin = end;
  }
  return copy;
}

/** Writes a block into the texture. @param values - `[nz, ny, nx, 4]` */
export function writeBlock(
  block: DeformationBlock,
  values: Float32Array,
  size: readonly [number, number, number],
  data: Uint16Array,
): void {
  const [nx, ny, nz] = block.size;
  const row = CHANNELS * nx;
  const half = encodeHalf(values);
  for (let k = 0; k < nz; k++)
    for (let j = 0; j < ny; j++)
      data.set(
        half.subarray(row * (j + ny * k), row * (j + 1 + ny * k)),
        CHANNELS * (block.offset[0] + size[0] * (block.offset[1] + j + size[1] * (block.offset[2] + k))),
      );
}
