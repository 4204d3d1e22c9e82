import type { SdfLayers } from '@implicit-faces/sdf-core';
import { fitToCentres } from './fit-lattice.js';
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

/** Between samples, metres. At 1.2 mm the IoU of the mouth's masks is 0.964, not 0.972, traced on the CPU. */
const SPACING = 0.8e-3;

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
    const own = Float32Array.from({ length: count }, (_, at) => values[3 * at + part]);
    const [nx, ny, nz] = lattice.size;
    const cells = [...own.keys()].filter(
      (at) =>
        at % nx < nx - 1 &&
        Math.floor(at / nx) % ny < ny - 1 &&
        at < nx * ny * (nz - 1) &&
        Math.min(Math.abs(own[at]), Math.abs(own[at + 1 + nx + nx * ny])) < 1.8 * SPACING,
    );
    const middles = { ...lattice, origin: lattice.origin.map((o) => o + SPACING / 2) as [number, number, number] };
    const centres = await layers.mouthParts(latticePoints(middles, cells));
    fitToCentres(
      own,
      lattice,
      cells,
      centres.filter((_, n) => n % 3 === part),
    );
    for (let at = 0; at < count; at++) {
      const row = Math.floor(at / nx);
      const to = (at % nx) + size[0] * ((row % ny) + size[1] * (layer + Math.floor(row / ny)));
      distance[to] = own[at];
    }
    grids.push({ ...lattice, layer });
    layer += lattice.size[2];
  }
  return { grids, size, distance: encodeHalf(distance) };
}
