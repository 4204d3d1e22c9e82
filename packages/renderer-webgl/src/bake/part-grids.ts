import type { SdfLayers } from '@implicit-faces/sdf-core';
import { encodeHalf } from './half.js';
import { coverBox, type Lattice, latticeCount, latticePoints } from './lattice.js';

/** The fields of teeth and tongue, densely sampled in their template spaces, stacked along z in one texture. */
export interface PartGrids {
  /** In the order of `MOUTH_PARTS`; `layer` is where a grid begins along z. */
  grids: readonly (Lattice & { layer: number })[];
  /** Texels along each axis. */
  size: readonly [number, number, number];
  /** Half floats `[nz, ny, nx]`, metres. */
  distance: Uint16Array;
}

/** Between samples, metres: teeth are smooth at that scale. */
const SPACING = 1.2e-3;

/** Samples the mouth's parts once; where they are is a transform. */
export async function bakeParts(layers: Pick<SdfLayers, 'mouthBoxes' | 'mouthParts'>): Promise<PartGrids> {
  const lattices = layers.mouthBoxes.map((box) => coverBox(box.min, box.max, SPACING));
  const widest = (k: number) => Math.max(...lattices.map(({ size }) => size[k]));
  const size = [widest(0), widest(1), lattices.reduce((sum, l) => sum + l.size[2], 0)] as const;
  const distance = new Float32Array(size[0] * size[1] * size[2]);
  let layer = 0;
  const grids: (Lattice & { layer: number })[] = [];
  for (const [part, lattice] of lattices.entries()) {
    const count = latticeCount(lattice);
    const values = await layers.mouthParts(
      latticePoints(
        lattice,
        Uint32Array.from({ length: count }, (_, i) => i),
      ),
    );
    const [nx, ny] = lattice.size;
    for (let at = 0; at < count; at++) {
      const row = Math.floor(at / nx);
      const to = (at % nx) + size[0] * ((row % ny) + size[1] * (layer + Math.floor(row / ny)));
      distance[to] = values[3 * at + part];
    }
    grids.push({ ...lattice, layer });
    layer += lattice.size[2];
  }
  return { grids, size, distance: encodeHalf(distance) };
}
