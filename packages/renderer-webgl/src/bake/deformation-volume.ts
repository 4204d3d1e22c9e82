import { encodeHalf } from './half.js';
import { fillLattice, type Lattice, latticeCount, sampleLattice } from './lattice.js';

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
  /** `[nz, ny, nx, 4]` */
  values: Float32Array;
  /** `[nz, ny, nx]`, 1 where there is a value. */
  known: Uint8Array;
}

export function createValues(lattice: Lattice): LatticeValues {
  const count = latticeCount(lattice);
  return { lattice, values: new Float32Array(CHANNELS * count), known: new Uint8Array(count) };
}

/** How many points from its border a fine block goes over into the coarse one. */
const BLEND = 3;

/** Fills all blocks outward from what is known and joins the fine ones to the coarse ones at their borders. */
export function completeBlocks(blocks: readonly (LatticeValues | undefined)[]): void {
  for (const block of blocks) if (block) fillLattice(block.lattice, block.values, CHANNELS, block.known);
  blocks.forEach((block, b) => {
    const coarse = blocks[COARSE_OF[b]];
    if (block && coarse && coarse !== block) blendBorder(block, coarse);
  });
}

function blendBorder({ lattice, values }: LatticeValues, coarse: LatticeValues): void {
  const [nx, ny, nz] = lattice.size;
  const { origin, step } = lattice;
  const other = new Float64Array(CHANNELS);
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      const inner = Math.min(j, ny - 1 - j, k, nz - 1 - k);
      for (let i = 0; i < nx; i++) {
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

/**
 * Writes a block into the texture: the reference plus a change, which may be on a lattice of twice the step and is interpolated. Rows without change are left alone.
 *
 * @param reference - `[nz, ny, nx, 4]`
 * @param data - the texture's numbers, which hold the reference.
 */
export function writeBlock(
  block: DeformationBlock,
  reference: Float32Array,
  change: LatticeValues,
  size: readonly [number, number, number],
  data: Uint16Array,
): void {
  const [nx, ny, nz] = block.size;
  const [cx, cy, cz] = change.lattice.size;
  const double = cx !== nx;
  const rowLength = CHANNELS * cx;
  const changed = new Uint8Array(cy * cz);
  for (let row = 0; row < changed.length; row++) {
    const end = rowLength * (row + 1);
    for (let i = rowLength * row; i < end; i++) {
      if (change.values[i] !== 0) {
        changed[row] = 1;
        break;
      }
    }
  }
  const mixed = new Float32Array(rowLength);
  const line = new Float32Array(CHANNELS * nx);
  const half = new Uint16Array(CHANNELS * nx);
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      const [j0, k0] = double ? [j >> 1, k >> 1] : [j, k];
      const [j1, k1] = double ? [(j + 1) >> 1, (k + 1) >> 1] : [j, k];
      const [a, b, c, d] = [j0 + cy * k0, j1 + cy * k0, j0 + cy * k1, j1 + cy * k1];
      if (!(changed[a] | changed[b] | changed[c] | changed[d])) continue;
      const v = change.values;
      const [oa, ob, oc, od] = [a * rowLength, b * rowLength, c * rowLength, d * rowLength];
      if (a === d) mixed.set(v.subarray(oa, oa + rowLength));
      else for (let i = 0; i < rowLength; i++) mixed[i] = 0.25 * (v[oa + i] + v[ob + i] + v[oc + i] + v[od + i]);
      const from = CHANNELS * nx * (j + ny * k);
      if (double) {
        for (let x = 0; x < nx; x++) {
          const low = CHANNELS * (x >> 1);
          const high = CHANNELS * ((x + 1) >> 1);
          const to = CHANNELS * x;
          for (let ch = 0; ch < CHANNELS; ch++)
            line[to + ch] = reference[from + to + ch] + 0.5 * (mixed[low + ch] + mixed[high + ch]);
        }
      } else for (let i = 0; i < line.length; i++) line[i] = reference[from + i] + mixed[i];
      encodeHalf(line, half);
      data.set(half, CHANNELS * (block.offset[0] + size[0] * (block.offset[1] + j + size[1] * (block.offset[2] + k))));
    }
  }
}
