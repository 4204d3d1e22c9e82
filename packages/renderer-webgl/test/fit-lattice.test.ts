import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { fitToCentres } from '../src/bake/fit-lattice.js';
import { type Lattice, latticeCount, latticePoints, sampleLattice } from '../src/bake/lattice.js';

const lattice: Lattice = { origin: [-8, -8, -8], step: 1, size: [17, 17, 17] };
const [nx, ny, nz] = lattice.size;
/** Of all cells; a last row of points begins none. */
const cells = Uint32Array.from({ length: latticeCount(lattice) }, (_, at) => at).filter(
  (at) => at % nx < nx - 1 && Math.floor(at / nx) % ny < ny - 1 && at < nx * ny * (nz - 1),
);

type Field = (x: number, y: number, z: number) => number;
function sample(field: Field, of: Lattice, which: Uint32Array): Float32Array {
  const points = latticePoints(of, which);
  return Float32Array.from(which, (_, i) => field(points[3 * i], points[3 * i + 1], points[3 * i + 2]));
}
const all = Uint32Array.from({ length: latticeCount(lattice) }, (_, at) => at);
const middles: Lattice = { ...lattice, origin: [-7.5, -7.5, -7.5] };

/** Interpolated minus true at random places that a mask chooses: mean, and root of the mean square. */
function errors(field: Field, values: Float32Array, counts: (d: number) => boolean): { mean: number; root: number } {
  const random = createRandom(4);
  const one = new Float64Array(1);
  const found: number[] = [];
  while (found.length < 2000) {
    const [x, y, z] = [0, 0, 0].map(() => random.uniform(-6, 6));
    const d = field(x, y, z);
    if (!counts(d)) continue;
    sampleLattice(lattice, values, 1, x, y, z, one);
    found.push(one[0] - d);
  }
  const mean = (of: (e: number) => number) => found.reduce((sum, e) => sum + of(e), 0) / found.length;
  return { mean: mean((e) => e), root: Math.sqrt(mean((e) => e * e)) };
}

it.each<[string, Field]>([
  ['a ball', (x, y, z) => Math.hypot(x - 0.3, y + 0.2, z - 0.1) - 2.5],
  ['a round bar thinner than two steps', (x, y) => Math.hypot(x - 0.3, y + 0.2) - 0.9],
  ['a sharp edge', (x, y) => 0.8 * x + 0.6 * Math.abs(y - 0.4)],
])('keeps the surface of %s where it is', (_, field) => {
  const values = sample(field, lattice, all);
  const near = (d: number) => Math.abs(d) < 0.3;
  const before = errors(field, values, near);
  fitToCentres(values, lattice, cells, sample(field, middles, cells));
  const after = errors(field, values, near);
  // Convex: samples make it thinner.
  expect(before.mean).toBeGreaterThan(2e-3);
  expect(Math.abs(after.mean)).toBeLessThan(0.35 * before.mean);
  expect(after.root).toBeLessThan(0.75 * before.root);
});

it('leaves what is linear alone', () => {
  const field: Field = (x, y, z) => 0.3 * x - 0.5 * y + z - 0.2;
  const values = sample(field, lattice, all);
  const before = values.slice();
  fitToCentres(values, lattice, cells, sample(field, middles, cells));
  expect(values).toBeCloseToTensor(before, 1e-5);
});
