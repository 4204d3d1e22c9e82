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
}

export function createValues(lattice: Lattice): LatticeValues {
  const count = latticeCount(lattice);
  return {
    lattice,
    values: new Float32Array(CHANNELS * count),
    known: new Uint8Array(count),
    window: wholeWindow(lattice),
    room: createFillRoom(lattice),
  };
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

/** Fills all blocks outward from what is known and joins the fine ones to the coarse ones at their borders. */
export function completeBlocks(blocks: readonly LatticeValues[]): void {
  for (const { lattice, values, known, window, room } of blocks)
    fillLattice(lattice, values, CHANNELS, known, window, room);
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

/** For each row of a window from which point to which before it changes, `[nz, ny, 2]`; the first after the last where it does not. */
function changedSpans({ lattice, values, window: { first, end } }: LatticeValues): Int16Array {
  const [nx, ny, nz] = lattice.size;
  const out = new Int16Array(2 * ny * nz);
  for (let row = 0; row < ny * nz; row++) out[2 * row] = nx;
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

/** Changes below this one are none, metres: a half float of a centimetre can not tell. */
const NO_CHANGE = 4e-6;

/**
 * Writes a block into the texture: the reference plus a change on a lattice of twice the step, which is interpolated. What lies beyond the change's window is left alone.
 *
 * @param reference - `[nz, ny, nx, 4]`
 * @param data - the texture's numbers, which hold the reference.
 */
export function addChange(
  block: DeformationBlock,
  reference: Float32Array,
  change: LatticeValues,
  size: readonly [number, number, number],
  data: Uint16Array,
): void {
  const [nx, ny, nz] = block.size;
  const [cx, cy] = change.lattice.size;
  const { first, end } = change.window;
  if (isEmpty(change.window)) return;
  // The points between the window's border and the next of the coarse lattice change as well.
  const low = first.map((f) => Math.max(2 * f - 1, 0));
  const high = [nx, ny, nz].map((n, k) => Math.min(2 * end[k], n));
  const v = change.values;
  // One axis after the other: layers in z, then rows in y, then points in x.
  const layer = new Float32Array(CHANNELS * cx * cy);
  const mixed = new Float32Array(CHANNELS * (cx + 1));
  const line = new Float32Array(CHANNELS * (nx + 1));
  const [atX, atY, atZ] = block.offset;
  const rowLength = CHANNELS * cx;
  const [layerBegin, layerEnd] = [rowLength * (low[1] >> 1), rowLength * Math.min((high[1] >> 1) + 1, cy)];
  const spans = changedSpans(change);
  for (let k = low[2]; k < high[2]; k++) {
    const near = CHANNELS * cx * cy * (k >> 1);
    const far = CHANNELS * cx * cy * ((k + 1) >> 1);
    for (let i = layerBegin; i < layerEnd; i++) layer[i] = 0.5 * (v[near + i] + v[far + i]);
    for (let j = low[1]; j < high[1]; j++) {
      let begin = nx;
      let stop = 0;
      for (let c = 0; c < 4; c++) {
        const row = 2 * (((j + (c & 1)) >> 1) + cy * ((k + (c >> 1)) >> 1));
        begin = Math.min(begin, 2 * spans[row] - 1);
        stop = Math.max(stop, 2 * spans[row + 1]);
      }
      begin = Math.max(begin, low[0]);
      stop = Math.min(stop, high[0]);
      if (begin >= stop) continue;
      const a = rowLength * (j >> 1);
      const b = rowLength * ((j + 1) >> 1);
      for (let i = CHANNELS * (begin >> 1), end = CHANNELS * ((stop >> 1) + 1); i < end; i++)
        mixed[i] = 0.5 * (layer[a + i] + layer[b + i]);
      const from = CHANNELS * (begin + nx * (j + ny * k));
      for (let i = 0, x = begin; x < stop; x++, i += CHANNELS) {
        const p = CHANNELS * (x >> 1);
        const q = CHANNELS * ((x + 1) >> 1);
        line[i] = reference[from + i] + 0.5 * (mixed[p] + mixed[q]);
        line[i + 1] = reference[from + i + 1] + 0.5 * (mixed[p + 1] + mixed[q + 1]);
        line[i + 2] = reference[from + i + 2] + 0.5 * (mixed[p + 2] + mixed[q + 2]);
        line[i + 3] = reference[from + i + 3] + 0.5 * (mixed[p + 3] + mixed[q + 3]);
      }
      const to = CHANNELS * (atX + begin + size[0] * (atY + j + size[1] * (atZ + k)));
      encodeHalf(line, data, CHANNELS * (stop - begin), to);
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
