// `node .scripts/pnpm.mjs --filter @implicit-faces/marching-cubes bench`: ours against isosurface and surface-nets on the same grids.
// isosurface calls back for each distance, several times per node; surface-nets reads a sampled grid, as ours does.
import { cpus } from 'node:os';
import { type Field, sphereField } from '@implicit-faces/test-utils';
import { marchingCubes as isosurfaceMarchingCubes, surfaceNets as isosurfaceSurfaceNets } from 'isosurface';
import ndarray from 'ndarray';
import surfaceNets from 'surface-nets';
import { bench, describe } from 'vitest';
import { marchingCubes, sparseMarchingCubes } from '../src/index.js';
import { sampleField } from '../test/grids.js';

const gyroid: Field = {
  evaluate: (x, y, z) =>
    Math.sin(12 * x) * Math.cos(12 * y) + Math.sin(12 * y) * Math.cos(12 * z) + Math.sin(12 * z) * Math.cos(12 * x),
  lipschitz: 42,
};
const FEW = { iterations: 5, warmupIterations: 1, time: 0, warmupTime: 0 };

console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}`);

for (const [name, field, nodes] of [
  ['sphere', sphereField(0.8), 64],
  ['sphere', sphereField(0.8), 128],
  ['sphere', sphereField(0.8), 256],
  ['gyroid', gyroid, 128],
] as const) {
  const grid = sampleField(field, nodes, 1);
  const { positions, indices } = marchingCubes(grid);
  const checksum = positions.reduce((sum, value) => sum + Math.abs(value), 0).toFixed(2);
  const size = `${name} ${nodes}^3, ${indices.length / 3} triangles, checksum ${checksum}`;
  const sampled = ndarray(grid.data, [nodes, nodes, nodes], [1, nodes, nodes * nodes]);
  const ends = [
    [-1, -1, -1],
    [1, 1, 1],
  ];
  describe(size, () => {
    bench('marchingCubes', () => void marchingCubes(grid), FEW);
    bench('surface-nets', () => void surfaceNets(sampled), FEW);
    if (nodes <= 128) {
      bench(
        'isosurface marchingCubes',
        () => void isosurfaceMarchingCubes([nodes, nodes, nodes], field.evaluate, ends),
        FEW,
      );
      bench(
        'isosurface surfaceNets',
        () => void isosurfaceSurfaceNets([nodes, nodes, nodes], field.evaluate, ends),
        FEW,
      );
    }
  });
}

describe('sphere 256^3 with sampling', () => {
  const field = sphereField(0.8);
  const evaluate = (points: Float32Array) =>
    Float32Array.from({ length: points.length / 3 }, (_, i) =>
      field.evaluate(points[3 * i], points[3 * i + 1], points[3 * i + 2]),
    );
  const bounds = { min: [-1, -1, -1], max: [1, 1, 1] } as const;
  bench(
    'sparseMarchingCubes',
    async () => void (await sparseMarchingCubes({ evaluate, bounds, cellSize: 2 / 255 })),
    FEW,
  );
  bench('marchingCubes', () => void marchingCubes(sampleField(field, 256, 1)), FEW);
});
