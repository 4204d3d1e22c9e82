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

/** A block while it is being made: what the network said where it was asked. */
export interface BlockValues {
  /** `[nz, ny, nx, 4]` */
  values: Float32Array;
  /** `[nz, ny, nx]`, 1 where there is a value. */
  known: Uint8Array;
}

export function createBlockValues(block: DeformationBlock): BlockValues {
  const count = latticeCount(block);
  return { values: new Float32Array(CHANNELS * count), known: new Uint8Array(count) };
}

/** How many fine points from its border a fine block goes over into the coarse one. */
const BLEND = 3;

/** Fills all blocks outward from what is known, joins the fine ones to the coarse ones at their borders, and packs them. */
export function packVolume(layout: VolumeLayout, blocks: readonly BlockValues[]): DeformationVolume {
  const coarseOf = [BLOCKS.head, BLOCKS.head, BLOCKS.head, BLOCKS.head, BLOCKS.jaw, BLOCKS.jaw];
  const { size } = layout;
  const data = new Uint16Array(CHANNELS * size[0] * size[1] * size[2]);
  layout.blocks.forEach((block, b) => {
    const { values, known } = blocks[b];
    fillLattice(block, values, CHANNELS, known);
    const coarse = coarseOf[b];
    if (coarse !== b) blendBorder(block, values, layout.blocks[coarse], blocks[coarse].values);
    const half = encodeHalf(values);
    const row = CHANNELS * block.size[0];
    for (let line = 0; line < block.size[1] * block.size[2]; line++) {
      const j = block.offset[1] + (line % block.size[1]);
      const k = block.offset[2] + Math.floor(line / block.size[1]);
      data.set(half.subarray(row * line, row * (line + 1)), CHANNELS * (block.offset[0] + size[0] * (j + size[1] * k)));
    }
  });
  return { ...layout, data };
}

function blendBorder(block: DeformationBlock, values: Float32Array, coarse: Lattice, coarseValues: Float32Array): void {
  const [nx, ny, nz] = block.size;
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
        const { origin, step } = block;
        sampleLattice(coarse, coarseValues, CHANNELS, origin[0] + step * i, origin[1] + step * j, origin[2] + step * k, other);
        const at = CHANNELS * (i + nx * (j + ny * k));
        const share = depth / BLEND;
        for (let c = 0; c < CHANNELS; c++) values[at + c] = share * values[at + c] + (1 - share) * other[c];
      }
    }
  }
}
