import { boxField, createRandom, lumpyField, reportMesh, sphereField, torusField } from '@implicit-faces/test-utils';
import { marchingCubes as referenceMarchingCubes } from 'isosurface';
import { describe, expect, it } from 'vitest';
import { type Grid, isFaceError, marchingCubes } from '../src/index.js';
import { sampleField, withBorder } from './grids.js';
import { naiveMarchingCubes } from './naive.js';

const CLOSED = { openEdges: 0, repeatedEdges: 0, degenerateFaces: 0, unusedVertices: 0 };

function randomGrid(seed: number, nodes: number, levels = 0): Grid {
  const random = createRandom(seed);
  const draw = () => (levels ? random.integer(levels) - (levels >> 1) : random.uniform(-1, 1));
  const grid: Grid = {
    data: Float32Array.from({ length: nodes ** 3 }, draw),
    dims: [nodes, nodes, nodes],
    origin: [0, 0, 0],
    spacing: 1,
  };
  return withBorder(grid, 1);
}

describe('is closed and wound outward', () => {
  it('for each of the 256 cubes, surrounded by the outside', () => {
    for (let signs = 1; signs < 256; signs++) {
      const data = new Float32Array(64).fill(1);
      for (let corner = 0; corner < 8; corner++) {
        const at = 1 + (corner & 1) + 4 * (1 + ((corner >> 1) & 1)) + 16 * (1 + (corner >> 2));
        data[at] = (signs >> corner) & 1 ? -1 : 1;
      }
      const report = reportMesh(marchingCubes({ data, dims: [4, 4, 4], origin: [0, 0, 0], spacing: 1 }));
      expect(report).toMatchObject(CLOSED);
      expect(report.volume).toBeGreaterThan(0);
      expect(report.eulerNumber % 2).toBe(0);
    }
  });

  it.each([1, 2, 3, 4, 5, 6])('on noise, where every case and reading occurs, seed %i', (seed) => {
    const report = reportMesh(marchingCubes(randomGrid(seed, 24)));
    expect(report).toMatchObject(CLOSED);
    expect(report.volume).toBeGreaterThan(0);
  });

  it.each([1, 2, 3])('on small whole numbers, where nodes are on the surface and saddles are ties, seed %i', (seed) => {
    const report = reportMesh(marchingCubes(randomGrid(seed, 16, 5)));
    expect(report).toMatchObject(CLOSED);
    expect(report.area).toBeGreaterThan(0);
  });

  it('joins two corners across a face where its saddle is inside, and parts them where it is not', () => {
    const piecesWith = (depth: number) => {
      const data = new Float32Array(64).fill(1);
      data[1 + 4 + 16] = -depth;
      data[2 + 8 + 16] = -depth;
      return reportMesh(marchingCubes({ data, dims: [4, 4, 4], origin: [0, 0, 0], spacing: 1 })).eulerNumber / 2;
    };
    expect(piecesWith(0.9)).toBe(2);
    expect(piecesWith(1.1)).toBe(1);
  });

  it('with the right number of handles', () => {
    expect(reportMesh(marchingCubes(sampleField(sphereField(0.7), 20, 1)))).toMatchObject({
      ...CLOSED,
      eulerNumber: 2,
    });
    expect(reportMesh(marchingCubes(sampleField(torusField(0.6, 0.25), 24, 1)))).toMatchObject({
      ...CLOSED,
      eulerNumber: 0,
    });
  });
});

describe('is accurate', () => {
  it('approaches the area and volume of a sphere with the square of the cell', () => {
    const errors = [16, 32, 64].map((nodes) => {
      const { area, volume } = reportMesh(marchingCubes(sampleField(sphereField(0.8), nodes, 1)));
      return {
        area: Math.abs(area / (4 * Math.PI * 0.64) - 1),
        volume: Math.abs(volume / ((4 / 3) * Math.PI * 0.512) - 1),
      };
    });
    for (const key of ['area', 'volume'] as const) {
      expect(errors[0][key]).toBeLessThan(0.02);
      expect(errors[0][key] / errors[1][key]).toBeGreaterThan(3);
      expect(errors[1][key] / errors[2][key]).toBeGreaterThan(3);
    }
  });

  it('meets a plane exactly, off the origin, with another spacing per axis and another level', () => {
    const data = Float64Array.from({ length: 4 * 5 * 6 }, (_, i) => 10 + 2 * (Math.floor(i / 20) - 2.25));
    const { positions, indices } = marchingCubes(
      { data, dims: [4, 5, 6], origin: [1, 2, 3], spacing: [0.5, 0.25, 2] },
      10,
    );
    expect(indices).toHaveLength(3 * 2 * 3 * 4);
    const { min, max } = reportMesh({ positions, indices });
    expect([...min, ...max]).toBeCloseToTensor([1, 2, 7.5, 2.5, 3, 7.5], 1e-6);
  });

  it('puts vertices where isosurface does', () => {
    const nodes = 24;
    const grid = sampleField(lumpyField(11), nodes, 2);
    const step = grid.spacing as number;
    const lookup = (x: number, y: number, z: number) => {
      const [i, j, k] = [x, y, z].map((value) => Math.round((value + 2) / step));
      return grid.data[i + nodes * (j + nodes * k)];
    };
    // Its bounds are half open: n cells of 4 / n from -2.
    const upper = -2 + step * nodes;
    const reference = referenceMarchingCubes([nodes, nodes, nodes], lookup, [
      [-2, -2, -2],
      [upper, upper, upper],
    ]);
    const { positions } = marchingCubes(grid);
    const key = (point: ArrayLike<number>) => [0, 1, 2].map((k) => Math.round(point[k] / (0.01 * step))).join();
    const near = (point: ArrayLike<number>, keys: Set<string>) => {
      const cell = [0, 1, 2].map((k) => Math.round(point[k] / (0.01 * step)));
      for (let d = 0; d < 27; d++) {
        if (
          keys.has(
            [cell[0] + (d % 3) - 1, cell[1] + (Math.floor(d / 3) % 3) - 1, cell[2] + Math.floor(d / 9) - 1].join(),
          )
        )
          return true;
      }
      return false;
    };
    const ours = Array.from({ length: positions.length / 3 }, (_, v) => positions.subarray(3 * v, 3 * v + 3));
    const theirKeys = new Set(reference.positions.map(key));
    const ourKeys = new Set(ours.map(key));
    expect(ours.length).toBeGreaterThan(500);
    expect(ours.filter((point) => !near(point, theirKeys))).toEqual([]);
    expect(reference.positions.filter((point) => !near(point, ourKeys))).toEqual([]);
  });
});

describe('is what the slow twin makes', () => {
  const order = (triangles: number[][][]) => {
    const text = triangles.map((corners) => {
      const names = corners.map((point) => point.map((value) => Math.fround(value).toFixed(4)).join(' '));
      const first = names.indexOf([...names].sort()[0]);
      return [0, 1, 2].map((k) => names[(first + k) % 3]).join(' | ');
    });
    return text.sort();
  };
  it.each([
    [21, 12, 0, [1, 1, 1], Float32Array],
    [22, 12, 0.3, [0.5, 2, 1], Float32Array],
    [23, 9, -0.2, [1, 1, 3], Float64Array],
  ] as const)('seed %i, %i nodes, level %f, spacing %j', (seed, nodes, isolevel, spacing, Data) => {
    const random = createRandom(seed);
    const grid: Grid = {
      data: new Data(nodes * (nodes + 1) * (nodes + 2)).map(() => random.uniform(-1, 1)),
      dims: [nodes, nodes + 1, nodes + 2],
      origin: [-3, 4, 5],
      spacing,
    };
    const { positions, indices } = marchingCubes(grid, isolevel);
    const fast = Array.from({ length: indices.length / 3 }, (_, f) =>
      Array.from(indices.subarray(3 * f, 3 * f + 3), (v) => Array.from(positions.subarray(3 * v, 3 * v + 3))),
    );
    expect(fast.length).toBeGreaterThan(1000);
    expect(order(fast)).toEqual(order(naiveMarchingCubes(grid, isolevel)));
  });
});

describe('keeps what can be kept', () => {
  it('gives an empty mesh where there is no surface', () => {
    const grid = { dims: [3, 3, 3], origin: [0, 0, 0], spacing: 1 } as const;
    for (const value of [-1, 1]) {
      const { positions, indices } = marchingCubes({ ...grid, data: new Float32Array(27).fill(value) });
      expect([positions.length, indices.length]).toEqual([0, 0]);
    }
  });

  it('keeps the corners of a box within a cell', () => {
    const { min, max } = reportMesh(marchingCubes(sampleField(boxField(0.5, 0.6, 0.7), 41, 1)));
    expect([...min, ...max]).toBeCloseToTensor([-0.5, -0.6, -0.7, 0.5, 0.6, 0.7], 1e-3);
  });

  it('does not touch its input', () => {
    const grid = sampleField(lumpyField(3), 12, 2);
    const before = grid.data.slice();
    marchingCubes(grid);
    expect(grid.data).toEqual(before);
  });
});

describe('refuses', () => {
  const good = (): Grid => ({ data: new Float32Array(27).fill(1), dims: [3, 3, 3], origin: [0, 0, 0], spacing: 1 });
  const spoilt = (index: number, value: number) => {
    const grid = good();
    grid.data[index] = value;
    return grid;
  };
  it.each<[string, Grid, string]>([
    ['one node along an axis', { ...good(), dims: [27, 1, 1] }, 'SHAPE'],
    ['no nodes', { ...good(), data: new Float32Array(0), dims: [0, 0, 0] }, 'SHAPE'],
    ['broken dims', { ...good(), dims: [3, 3, 2.5] }, 'SHAPE'],
    ['two dims', { ...good(), dims: [3, 9] as never }, 'SHAPE'],
    ['too few distances', { ...good(), data: new Float32Array(26) }, 'SHAPE'],
    ['a plain array', { ...good(), data: new Array(27).fill(1) as never }, 'SHAPE'],
    ['no spacing', { ...good(), spacing: 0 }, 'OPTIONS'],
    ['negative spacing', { ...good(), spacing: [1, -1, 1] }, 'OPTIONS'],
    ['NaN as origin', { ...good(), origin: [0, Number.NaN, 0] }, 'OPTIONS'],
    ['NaN in the first plane', spoilt(0, Number.NaN), 'NOT_FINITE'],
    ['NaN in the last node', spoilt(26, Number.NaN), 'NOT_FINITE'],
    ['infinity', spoilt(13, Number.POSITIVE_INFINITY), 'NOT_FINITE'],
  ])('%s', (_, grid, code) => {
    expect(() => marchingCubes(grid)).toThrow(expect.objectContaining({ name: 'FaceError', code }));
  });

  it('NaN as level', () => {
    expect(() => marchingCubes(good(), Number.NaN)).toThrow(expect.objectContaining({ code: 'OPTIONS' }));
  });

  it('naming the node, in an error that isFaceError knows', () => {
    try {
      marchingCubes(spoilt(1 + 3 * 2 + 9, Number.NaN));
      expect.unreachable();
    } catch (error) {
      expect(isFaceError(error, 'NOT_FINITE')).toBe(true);
      expect(isFaceError(error, 'SHAPE')).toBe(false);
      expect((error as Error).message).toContain('(1, 2, 1) is NaN');
    }
  });
});
