import { boxField, type Field, lumpyField, reportMesh, sphereField, torusField } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { marchingCubes, type SparseMarchingCubesOptions, sparseMarchingCubes } from '../src/index.js';
import { sampleField, trianglesOf, withBorder } from './grids.js';

const CLOSED = { openEdges: 0, repeatedEdges: 0, degenerateFaces: 0, unusedVertices: 0 };

/** A field as `evaluate`, which counts its points. */
function counted(field: Field) {
  const calls: number[] = [];
  const evaluate = async (points: Float32Array) => {
    calls.push(points.length / 3);
    return Float32Array.from({ length: points.length / 3 }, (_, i) =>
      field.evaluate(points[3 * i], points[3 * i + 1], points[3 * i + 2]),
    );
  };
  return { evaluate, total: () => calls.reduce((a, b) => a + b, 0), calls };
}

const box = (half: number) => ({ min: [-half, -half, -half], max: [half, half, half] }) as const;

describe('makes the mesh of the whole grid', () => {
  it.each([1, 2, 3, 4, 5, 6])('of a lumpy field, seed %i', async (seed) => {
    const field = lumpyField(seed);
    const nodes = 50 + seed;
    const grid = sampleField(field, nodes, 2);
    const { evaluate, total } = counted(field);
    const mesh = await sparseMarchingCubes({
      evaluate,
      bounds: box(2),
      cellSize: 4 / (nodes - 1),
      lipschitz: field.lipschitz,
    });
    expect(trianglesOf(mesh)).toEqual(trianglesOf(marchingCubes(grid)));
    expect(reportMesh(mesh)).toMatchObject(CLOSED);
    expect(total()).toBeGreaterThan(0);
  });

  it.each([
    ['at another level', { isolevel: 0.21 }],
    ['in small batches', { batchSize: 999 }],
    ['with a cautious bound', { lipschitz: 5 }],
  ])('%s', async (_, options: Partial<SparseMarchingCubesOptions>) => {
    const field = torusField(1, 0.4);
    const { evaluate, calls } = counted(field);
    const mesh = await sparseMarchingCubes({ evaluate, bounds: box(2), cellSize: 0.08, ...options });
    expect(trianglesOf(mesh)).toEqual(trianglesOf(marchingCubes(sampleField(field, 51, 2), options.isolevel)));
    if (options.batchSize) expect(Math.max(...calls)).toBe(options.batchSize);
  });

  it.each([1, 2, 3])('closed where the surface leaves the box, seed %i', async (seed) => {
    const field = lumpyField(seed);
    const grid = sampleField(field, 41, 0.8);
    const cellSize = grid.spacing as number;
    const { evaluate } = counted(field);
    const mesh = await sparseMarchingCubes({ evaluate, bounds: box(0.8), cellSize, lipschitz: field.lipschitz });
    expect(trianglesOf(mesh)).toEqual(trianglesOf(marchingCubes(withBorder(grid, cellSize / 2))));
    expect(reportMesh(mesh)).toMatchObject(CLOSED);
  });

  it('open there when asked', async () => {
    const field = sphereField(1);
    const { evaluate } = counted(field);
    const mesh = await sparseMarchingCubes({ evaluate, bounds: box(0.8), cellSize: 0.04, closeAtBounds: false });
    expect(trianglesOf(mesh)).toEqual(trianglesOf(marchingCubes(sampleField(field, 41, 0.8))));
    expect(reportMesh(mesh).openEdges).toBeGreaterThan(0);
  });
});

describe('closes', () => {
  it('a box that is inside throughout', async () => {
    const { evaluate } = counted(sphereField(100));
    const report = reportMesh(await sparseMarchingCubes({ evaluate, bounds: box(1), cellSize: 0.1 }));
    expect(report).toMatchObject({ ...CLOSED, eulerNumber: 2 });
    // The faces lie within the last layer of cells.
    expect(report.volume).toBeGreaterThan(1.8 ** 3);
    expect(report.volume).toBeLessThan(8);
  });

  it.each([
    ['a cell', 1, 1, 1],
    ['a plate', 40, 30, 1],
    ['a rod', 2, 67, 3],
    ['an odd box', 33, 17, 9],
  ])('%s of %i x %i x %i cells', async (_, nx, ny, nz) => {
    const { evaluate } = counted(boxField(nx / 2 - 0.3, ny / 2 - 0.3, nz / 2 - 0.3));
    const max = [nx / 2, ny / 2, nz / 2] as const;
    const bounds = { min: [-max[0], -max[1], -max[2]], max } as const;
    // A single layer of cells has no node inside.
    const report = reportMesh(await sparseMarchingCubes({ evaluate, bounds, cellSize: 1 }));
    expect(report).toMatchObject(CLOSED);
    expect(report.volume > 0).toBe(Math.min(nx, ny, nz) > 1);
  });
});

it('evaluates few of the nodes', async () => {
  const field = sphereField(0.8);
  const { evaluate, total } = counted(field);
  await sparseMarchingCubes({ evaluate, bounds: box(1), cellSize: 2 / 128 });
  expect(total() / 129 ** 3).toBeLessThan(0.1);
});

it('moves the upper bound out to whole cells', async () => {
  const { evaluate } = counted(sphereField(0.99));
  const { max } = reportMesh(await sparseMarchingCubes({ evaluate, bounds: box(1), cellSize: 0.3 }));
  expect(max[0]).toBeGreaterThan(0.95);
});

it('gives an empty mesh where there is no surface', async () => {
  const { evaluate } = counted(sphereField(0.5, [9, 9, 9]));
  expect((await sparseMarchingCubes({ evaluate, bounds: box(1), cellSize: 0.1 })).indices).toHaveLength(0);
});

it('reports growing progress up to 1', async () => {
  const shares: number[] = [];
  const { evaluate } = counted(sphereField(0.8));
  await sparseMarchingCubes({
    evaluate,
    bounds: box(1),
    cellSize: 0.05,
    batchSize: 1000,
    onProgress: (share) => shares.push(share),
  });
  expect(shares.length).toBeGreaterThan(10);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
});

it('stops when told to, before the first batch and after it', async () => {
  const aborted = expect.objectContaining({ name: 'AbortError' });
  const options = { bounds: box(1), cellSize: 0.05 };
  const before = counted(sphereField(0.8));
  await expect(
    sparseMarchingCubes({ ...options, evaluate: before.evaluate, signal: AbortSignal.abort() }),
  ).rejects.toThrow(aborted);
  expect(before.total()).toBe(0);
  const controller = new AbortController();
  const after = counted(sphereField(0.8));
  const running = sparseMarchingCubes({
    ...options,
    evaluate: after.evaluate,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(running).rejects.toThrow(aborted);
  expect(after.calls).toHaveLength(1);
});

describe('refuses', () => {
  const evaluate = (points: Float32Array) => new Float32Array(points.length / 3).fill(1);
  const good = { evaluate, bounds: box(1), cellSize: 0.1 };
  it.each<[string, Partial<SparseMarchingCubesOptions>, string]>([
    ['turned bounds', { bounds: { min: [0, 1, 0], max: [1, 0, 1] } }, 'OPTIONS'],
    ['an empty box', { bounds: { min: [0, 0, 0], max: [0, 1, 1] } }, 'OPTIONS'],
    ['NaN in the bounds', { bounds: { min: [Number.NaN, 0, 0], max: [1, 1, 1] } }, 'OPTIONS'],
    ['no cell size', { cellSize: 0 }, 'OPTIONS'],
    ['a cell size in the wrong unit', { cellSize: 1e-6 }, 'OPTIONS'],
    ['a negative bound', { lipschitz: -1 }, 'OPTIONS'],
    ['NaN as level', { isolevel: Number.NaN }, 'OPTIONS'],
    ['no batch', { batchSize: 0 }, 'OPTIONS'],
    ['too few distances', { evaluate: () => new Float32Array(1) }, 'SHAPE'],
    ['NaN', { evaluate: (points) => evaluate(points).fill(Number.NaN, 3, 4) }, 'NOT_FINITE'],
    ['infinity', { evaluate: (points) => evaluate(points).fill(Number.NEGATIVE_INFINITY, 3, 4) }, 'NOT_FINITE'],
  ])('%s', async (_, change, code) => {
    await expect(sparseMarchingCubes({ ...good, ...change })).rejects.toMatchObject({ name: 'FaceError', code });
  });
});
