import { checkLength, checkRows } from './check.js';
import { FaceError } from './errors.js';
import type { Box, Field } from './field.js';

/** A field sampled at the corners of a regular grid. */
export interface Grid {
  /** `[nz, ny, nx]`: x runs fastest. */
  values: Float32Array;
  /** `[nx, ny, nz]`, samples along each axis. */
  size: readonly [number, number, number];
  /** The first and last samples' places, metres. */
  bounds: Box;
}

export interface BakeGridOptions {
  bounds: Box;
  /** Samples along each axis, at least 2, or one number for all three. */
  size: number | readonly [number, number, number];
  /** Points per evaluation; also how often `signal` is looked at. */
  batchSize?: number;
  signal?: AbortSignal;
  /** Called with the share of the samples that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export const BAKE_GRID_DEFAULTS = { batchSize: 65536 };

/**
 * Samples a field on a dense grid.
 *
 * @throws FaceError `RANGE` for a size below 2 or an empty box. An abort rejects with the signal's reason.
 * @example const grid = await bakeGrid(modelField(model, codes), { bounds: manifest.bounds, size: 96 });
 */
export async function bakeGrid(field: Field, options: BakeGridOptions): Promise<Grid> {
  const { bounds, signal, onProgress, batchSize = BAKE_GRID_DEFAULTS.batchSize } = options;
  const size: readonly [number, number, number] =
    typeof options.size === 'number' ? [options.size, options.size, options.size] : options.size;
  if (!size.every((n) => Number.isSafeInteger(n) && n >= 2)) {
    throw new FaceError('RANGE', `bakeGrid: size should be whole numbers of at least 2; received ${size}.`);
  }
  if (![0, 1, 2].every((k) => bounds.min[k] < bounds.max[k])) {
    throw new FaceError(
      'RANGE',
      `bakeGrid: bounds.min should be below bounds.max; received ${bounds.min} and ${bounds.max}.`,
    );
  }
  const [nx, ny, nz] = size;
  const step = size.map((n, k) => (bounds.max[k] - bounds.min[k]) / (n - 1));
  const total = nx * ny * nz;
  const values = new Float32Array(total);
  for (let begin = 0; begin < total; begin += batchSize) {
    signal?.throwIfAborted();
    const end = Math.min(begin + batchSize, total);
    const points = new Float32Array(3 * (end - begin));
    for (let i = begin; i < end; i++) {
      points[3 * (i - begin)] = bounds.min[0] + step[0] * (i % nx);
      points[3 * (i - begin) + 1] = bounds.min[1] + step[1] * (Math.floor(i / nx) % ny);
      points[3 * (i - begin) + 2] = bounds.min[2] + step[2] * Math.floor(i / (nx * ny));
    }
    values.set(await field(points), begin);
    onProgress?.(end / total);
  }
  return { values, size, bounds };
}

/**
 * Interpolates a grid linearly along each axis. Outside, the nearest place on the border counts.
 *
 * @param points - `[N, 3]`, metres.
 * @param out - destination `[N]`. Allocated when absent.
 * @throws FaceError `SHAPE` for arrays of the wrong length.
 */
export function sampleGrid({ values, size, bounds }: Grid, points: Float32Array, out?: Float32Array): Float32Array {
  checkRows('sampleGrid', 'points', points, 3);
  const distances = out ?? new Float32Array(points.length / 3);
  checkLength('sampleGrid', 'out', distances, points.length / 3);
  const [nx, ny] = size;
  const cell = [0, 0, 0];
  const part = [0, 0, 0];
  for (let i = 0; i < distances.length; i++) {
    for (let k = 0; k < 3; k++) {
      const share = (points[3 * i + k] - bounds.min[k]) / (bounds.max[k] - bounds.min[k]);
      const x = Math.min(Math.max(share, 0), 1) * (size[k] - 1);
      cell[k] = Math.min(Math.floor(x), size[k] - 2);
      part[k] = x - cell[k];
    }
    const corner = cell[0] + nx * (cell[1] + ny * cell[2]);
    const row = (at: number) => values[at] + part[0] * (values[at + 1] - values[at]);
    const plane = (at: number) => row(at) + part[1] * (row(at + nx) - row(at));
    distances[i] = plane(corner) + part[2] * (plane(corner + nx * ny) - plane(corner));
  }
  return distances;
}

/** A grid as a field, for example to trace it. */
export function gridField(grid: Grid): Field {
  return (points) => sampleGrid(grid, points);
}
