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
  sampleLattice,
  wholeWindow,
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
}

/** @param floats - where the values are; a kernel reads them in its own memory. */
export function createValues(
  lattice: Lattice,
  floats: (count: number) => Float32Array = (count) => new Float32Array(count),
): LatticeValues {
  const count = latticeCount(lattice);
  return {
    lattice,
    values: floats(CHANNELS * count),
    known: new Uint8Array(count),
    window: wholeWindow(lattice),
    room: createFillRoom(lattice),
    spans: emptySpans(lattice),
  };
}

/** Of rows that are zero: they begin behind their last point and end before their first. */
function emptySpans({ size: [nx, ny, nz] }: Lattice): Int16Array {
  return Int16Array.from({ length: 2 * ny * nz }, (_, n) => (n & 1 ? 0 : nx));
}

/** Forgets all values and moves the window. */
export function resetValues(target: LatticeValues, window: LatticeWindow): void {
  const { lattice, values, known, window: before } = target;
  const [nx, ny] = lattice.size;
  const { first, end } = before;
  for (let k = first[2]; k < end[2]; k++) {
    for (let j = first[1]; j < end[1]; j++) {
      const row = nx * (j + ny * k);
      values.fill(0, CHANNELS * (row + first[0]), CHANNELS * (row + end[0]));
      known.fill(0, row + first[0], row + end[0]);
    }
  }
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

function blendBorder({ lattice, values, window: { first, end } }: LatticeValues, coarse: LatticeValues): void {
  const [nx, ny, nz] = lattice.size;
  const { origin, step } = lattice;
  const other = new Float64Array(CHANNELS);
  for (let k = first[2]; k < end[2]; k++) {
    for (let j = first[1]; j < end[1]; j++) {
      const inner = Math.min(j, ny - 1 - j, k, nz - 1 - k);
      for (let i = first[0]; i < end[0]; i++) {
        const depth = Math.min(inner, i, nx - 1 - i);
        if (depth >= BLEND) {
          // Straight to where the other border begins.
          i = Math.max(nx - 1 - BLEND, i);
          continue;
        }
        const [x, y, z] = [origin[0] + step * i, origin[1] + step * j, origin[2] + step * k];
        sampleLattice(coarse.lattice, coarse.values, CHANNELS, x, y, z, other);
        const at = CHANNELS * (i + nx * (j + ny * k));
        const share = depth / BLEND;
        for (let c = 0; c < CHANNELS; c++) values[at + c] = share * values[at + c] + (1 - share) * other[c];
      }
    }
  }
}

/** Changes below this one are none, metres: a half float of a centimetre can not tell. */
const NO_CHANGE = 4e-6;

/** From which point to before which each row changes, as `spans` has it. */
function changedSpans({ lattice, values, window: { first, end } }: LatticeValues): Int16Array {
  const [nx, ny] = lattice.size;
  const out = emptySpans(lattice);
  const isStill = (at: number) => {
    for (let c = 0; c < CHANNELS; c++) if (Math.abs(values[at + c]) > NO_CHANGE) return false;
    return true;
  };
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
  return out;
}

/**
 * Writes a block into the texture: the reference plus a change on a lattice of twice the step, which is interpolated. Rows are written where they change and where they changed the last time;
 * beyond, the texture holds the reference.
 *
 * @param reference - `[nz, ny, nx, 4]`; it, the change's values and the texture are in the kernel's memory.
 * @param data - the texture's numbers.
 */
export function addChange(
  block: DeformationBlock,
  reference: Float32Array,
  change: LatticeValues,
  size: readonly [number, number, number],
  data: Uint16Array,
  addRow: AddRow,
): void {
  const [nx, ny, nz] = block.size;
  const [cx, cy] = change.lattice.size;
  const [atX, atY, atZ] = block.offset;
  const spans = changedSpans(change);
  const before = change.spans;
  change.spans = spans;
  const wanted = spans.map((end, n) => (n & 1 ? Math.max(end, before[n]) : Math.min(end, before[n])));
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
