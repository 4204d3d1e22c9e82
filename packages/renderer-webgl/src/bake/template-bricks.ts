import { fitToCentres } from './fit-lattice.js';
import { encodeHalf } from './half.js';
import { type Lattice, latticeCount, latticePoints, sampleLattice } from './lattice.js';

/** Cells along a brick's edge; a brick has one sample more, shared with its neighbour, so that filtering needs no other brick. */
export const BRICK_CELLS = 8;
/** The same of a finer brick, as large as the others. */
export const FINE_CELLS = 16;
/** The chart is smoother than the distance: every second sample. */
export const UV_STRIDE = 2;
/** Samples along a brick's edge of T, and of the chart. */
const samplesOf = (cells: number) => cells + 1;
const uvSamplesOf = (cells: number) => cells / UV_STRIDE + 1;
const SAMPLES = samplesOf(BRICK_CELLS);

/** The canonical fields that are sampled: all points `[N, 3]`, metres. */
export interface TemplateFields {
  /** T of one sheet. @returns `[N]`, metres. */
  distance(sheet: number, canonical: Float32Array): Promise<Float32Array>;
  /** UV_T. @returns `[N, 2]` */
  uv(canonical: Float32Array): Promise<Float32Array>;
}

export interface BakeTemplateOptions {
  /** Between samples, metres. */
  spacing?: number;
  /** Distances up to here from the surface are sampled, those beyond are interpolated, metres. */
  band?: number;
  /** Bricks whose samples miss the surface between them by more than this are sampled finer, metres. */
  refineAbove?: number;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

export const BAKE_TEMPLATE_DEFAULTS = { spacing: 1.5e-3, band: 3e-3, refineAbove: 2e-4 };

/** One sheet's bricks in the index texture. */
export interface BrickGrid {
  /** Corner of the first brick, canonical space, metres. */
  origin: readonly [number, number, number];
  /** Bricks along each axis. */
  size: readonly [number, number, number];
  /** Where this grid begins along z in the index texture. */
  layer: number;
}

/**
 * T and UV_T as textures: bricks around the zero sets and, between them, a coarse bound of the distance.
 *
 * Where the surface bends much within a brick (lids, lips, rims of nostrils and ears) the brick has more samples: an adaptively sampled distance field (Frisken et al. 2000) of two levels,
 * whose bricks are all of one size, so that a point's brick is still found by one read. The finer ones fill the atlases' far end along z.
 */
export interface TemplateBricks {
  /** Edge of a brick, metres. */
  edge: number;
  sheets: readonly BrickGrid[];
  /**
   * RGBA8 `[nz, ny, nx, 4]`: where a brick lies in the atlas, in bricks of its kind, and 255, or 254 for a finer one; or, where there is none, the distance around its centre to first order:
   * the gradient as 128 + 127 g, and the distance as `encodeFar` has it.
   */
  index: { data: Uint8Array; size: readonly [number, number, number] };
  /** Texels along each axis of the atlases. */
  fieldSize: readonly [number, number, number];
  uvSize: readonly [number, number, number];
  /** The farthest distance that bricks hold, metres: those beyond are cut to it. */
  range: number;
  /** Signed bytes in 127ths `[fieldSize.z, fieldSize.y, fieldSize.x, 4]`, bricks of 9^3 or 17^3: T's gradient over `GRADIENT_RANGE`, and T over `range`. */
  field: Int8Array;
  /** Half floats `[uvSize.z, uvSize.y, uvSize.x, 2]`, bricks of 5^3 or 9^3: UV - 1/2, which is most precise in the face's middle. */
  uv: Uint16Array;
}

/** Cells along the edge of the brick of an entry of the index, 0 where there is none. */
export function cellsOfEntry(code: number): number {
  return code === BRICK ? BRICK_CELLS : code === FINE_BRICK ? FINE_CELLS : 0;
}

/** What an entry of the index says where there is a brick; `encodeFar` gives less. */
const BRICK = 255;
const FINE_BRICK = 254;

/** The longest component of a gradient that bricks hold: T is nearly a distance. */
export const GRADIENT_RANGE = 1.25;
/** What bricks hold of T, in cells: a 127th of it, times a cell, is what distances are rounded to. */
const RANGE_CELLS = 2.5;

/** The farthest distance that the index says, metres. */
export const FAR = 0.15;

/** A distance as a number of 7 to 247, finest near zero. */
export function encodeFar(distance: number): number {
  return 127 + Math.round(Math.sign(distance) * 120 * Math.sqrt(Math.min(Math.abs(distance) / FAR, 1)));
}

/** The inverse of `encodeFar`, metres. */
export function decodeFar(code: number): number {
  const x = (code - 127) / 120;
  return x * Math.abs(x) * FAR;
}

/**
 * Samples T and UV_T in bricks around the zero set of each sheet: from coarse to fine, so that only samples near the surface are computed.
 *
 * @param bounds - of the canonical space, metres.
 */
export async function bakeTemplate(
  fields: TemplateFields,
  sheets: number,
  bounds: { min: ArrayLike<number>; max: ArrayLike<number> },
  options: BakeTemplateOptions = {},
): Promise<TemplateBricks> {
  const { signal, onProgress } = options;
  const spacing = options.spacing ?? BAKE_TEMPLATE_DEFAULTS.spacing;
  const band = options.band ?? BAKE_TEMPLATE_DEFAULTS.band;
  const refineAbove = options.refineAbove ?? BAKE_TEMPLATE_DEFAULTS.refineAbove;
  const edge = spacing * BRICK_CELLS;
  const found: SheetBricks[] = [];
  for (let sheet = 0; sheet < sheets; sheet++) {
    found.push(await sampleSheet(fields, sheet, bounds, edge, band, refineAbove, signal));
    onProgress?.((sheet + 1) / sheets);
  }
  return packBricks(found, edge);
}

interface SheetBricks {
  origin: readonly [number, number, number];
  size: readonly [number, number, number];
  /** Signed distance at each brick's centre, `[nz, ny, nx]`. */
  centre: Float32Array;
  /** Numbers of the bricks that the surface may cross. */
  near: number[];
  bricks: Brick[];
}

/** One brick's samples. */
interface Brick {
  /** Along its edge. */
  cells: number;
  /** `[samples^3, 4]`, the gradient and the distance. */
  field: Float32Array;
  /** `[uvSamples^3, 2]` */
  uv: Float32Array;
}

async function sampleSheet(
  fields: TemplateFields,
  sheet: number,
  bounds: { min: ArrayLike<number>; max: ArrayLike<number> },
  edge: number,
  band: number,
  refineAbove: number,
  signal: AbortSignal | undefined,
): Promise<SheetBricks> {
  const all: Lattice = {
    origin: [bounds.min[0] + edge / 2, bounds.min[1] + edge / 2, bounds.min[2] + edge / 2],
    step: edge,
    size: [0, 1, 2].map((k) => Math.max(Math.ceil((bounds.max[k] - bounds.min[k]) / edge - 1e-6), 1)) as [
      number,
      number,
      number,
    ],
  };
  const count = latticeCount(all);
  const centres = await fields.distance(sheet, latticePoints(all, range(count)));
  signal?.throwIfAborted();
  // T's slope may be a little more than 1.
  const reach = 1.1 * edge * Math.sqrt(3 / 4);
  const candidate = (value: number) => Math.abs(value) < reach;

  // Only the box around this sheet's surface is kept.
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [-1, -1, -1];
  const [nx, ny] = all.size;
  for (let at = 0; at < count; at++) {
    if (!candidate(centres[at])) continue;
    [at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny))].forEach((c, k) => {
      low[k] = Math.min(low[k], c);
      high[k] = Math.max(high[k], c);
    });
  }
  const size = [0, 1, 2].map((k) => high[k] - low[k] + 1) as [number, number, number];
  const origin = [0, 1, 2].map((k) => bounds.min[k] + low[k] * edge) as [number, number, number];
  const centre = new Float32Array(size[0] * size[1] * size[2]);
  const near: number[] = [];
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let i = 0; i < size[0]; i++) {
        const value = centres[low[0] + i + nx * (low[1] + j + ny * (low[2] + k))];
        const at = i + size[0] * (j + size[1] * k);
        centre[at] = value;
        if (candidate(value)) near.push(at);
      }
    }
  }

  // One dense lattice of samples: NaN where nothing is known yet.
  const spacing = edge / BRICK_CELLS;
  const fine: Lattice = { origin, step: spacing, size: [size[0] * 8 + 1, size[1] * 8 + 1, size[2] * 8 + 1] };
  const [fx, fy] = fine.size;
  const values = new Float32Array(latticeCount(fine)).fill(Number.NaN);
  const corner = (brick: number) => {
    const i = brick % size[0];
    const j = Math.floor(brick / size[0]) % size[1];
    const k = Math.floor(brick / (size[0] * size[1]));
    return BRICK_CELLS * (i + fx * (j + fy * k));
  };
  const evaluate = async (which: number[]) => {
    const distances = await fields.distance(sheet, latticePoints(fine, which));
    which.forEach((at, i) => {
      values[at] = distances[i];
    });
    signal?.throwIfAborted();
  };
  for (let stride = 4; stride >= 1; stride /= 2) {
    // Points of this stride that are new and next to a coarser one near the surface, or all at the coarsest.
    const wanted: number[] = [];
    const reachable = band + 1.2 * 2 * stride * spacing * 0.87;
    const coarser = 2 * stride;
    for (const brick of near) {
      const first = corner(brick);
      for (let k = 0; k <= BRICK_CELLS; k += stride) {
        for (let j = 0; j <= BRICK_CELLS; j += stride) {
          for (let i = 0; i <= BRICK_CELLS; i += stride) {
            const at = first + i + fx * (j + fy * k);
            if (!Number.isNaN(values[at])) continue;
            const estimate = stride === 4 ? 0 : nearestKnown(values, first, fx, fy, i, j, k, coarser);
            if (Math.abs(estimate) > reachable) continue;
            values[at] = 0;
            wanted.push(at);
          }
        }
      }
    }
    await evaluate(wanted);
    // The rest of this stride by interpolation, so that the next finds a full lattice.
    if (stride < 4) {
      for (const brick of near) interpolateBrick(values, corner(brick), fx, fy, stride);
    }
  }

  // The chart where the surface can be.
  const uvAt = new Map<number, number>();
  const uvWanted: number[] = [];
  const uvReach = band + UV_STRIDE * spacing;
  for (const brick of near) {
    for (const at of uvPoints(corner(brick), BRICK_CELLS, fx, fy)) {
      if (Math.abs(values[at]) > uvReach || uvAt.has(at)) continue;
      uvAt.set(at, uvWanted.length);
      uvWanted.push(at);
    }
  }
  const charts = await fields.uv(latticePoints(fine, uvWanted));
  signal?.throwIfAborted();

  const strides = [1, fx, fx * fy];
  const fitted = values.slice();
  const cellsOf = near.map((brick) => surfaceCells(values, corner(brick), BRICK_CELLS, fx, fy, spacing));
  const cells = cellsOf.flat();
  const middles: Lattice = {
    ...fine,
    origin: [0, 1, 2].map((k) => origin[k] + spacing / 2) as [number, number, number],
  };
  const distances = await fields.distance(sheet, latticePoints(middles, cells));
  fitToCentres(fitted, fine, cells, distances);
  signal?.throwIfAborted();
  const missed = split(distances, cellsOf);
  const coarse = cellsOf.map((own, n) => worstMiss(fitted, fine, own, missed[n]) <= refineAbove);
  const refined = near.filter((_, n) => !coarse[n]).map(corner);
  const finer = await refineBricks(fields, sheet, refined, fine, values, band);
  signal?.throwIfAborted();
  const field = near.map((brick) => {
    const first = corner(brick);
    const out = new Float32Array(4 * SAMPLES ** 3);
    const at3 = [0, 0, 0];
    const base = [brick % size[0], Math.floor(brick / size[0]) % size[1], Math.floor(brick / (size[0] * size[1]))];
    let n = 0;
    for (at3[2] = 0; at3[2] < SAMPLES; at3[2]++)
      for (at3[1] = 0; at3[1] < SAMPLES; at3[1]++)
        for (at3[0] = 0; at3[0] < SAMPLES; at3[0]++, n += 4) {
          const at = first + at3[0] + fx * (at3[1] + fy * at3[2]);
          for (let k = 0; k < 3; k++) {
            // From both sides where both are known; beyond the outermost bricks nothing is.
            const place = BRICK_CELLS * base[k] + at3[k];
            const low = place > 0 && !Number.isNaN(values[at - strides[k]]) ? at - strides[k] : at;
            const high = place < fine.size[k] - 1 && !Number.isNaN(values[at + strides[k]]) ? at + strides[k] : at;
            out[n + k] = high > low ? (values[high] - values[low]) / (((high - low) / strides[k]) * spacing) : 0;
          }
          out[n + 3] = fitted[at];
        }
    return out;
  });
  const uv = near.map((brick) => {
    const count = uvSamplesOf(BRICK_CELLS) ** 3;
    const out = new Float32Array(2 * count);
    const known = new Uint8Array(count);
    uvPoints(corner(brick), BRICK_CELLS, fx, fy).forEach((at, n) => {
      const i = uvAt.get(at);
      if (i === undefined) return;
      known[n] = 1;
      out[2 * n] = charts[2 * i] - 0.5;
      out[2 * n + 1] = charts[2 * i + 1] - 0.5;
    });
    fillBrick(out, known, uvSamplesOf(BRICK_CELLS));
    return out;
  });
  let next = 0;
  const bricks = near.map((_, n) => (coarse[n] ? { cells: BRICK_CELLS, field: field[n], uv: uv[n] } : finer[next++]));
  return { origin, size, centre, near, bricks };
}

/** How far at most the interpolated distance is off at the middles of cells that the surface crosses, metres. */
function worstMiss(values: Float32Array, { size, step }: Lattice, cells: readonly number[], middles: Float32Array) {
  const [nx, ny] = size;
  let worst = 0;
  cells.forEach((at, n) => {
    if (Math.abs(middles[n]) > step) return;
    let sum = 0;
    for (let c = 0; c < 8; c++) sum += values[at + (c & 1) + nx * ((c >> 1) & 1) + nx * ny * (c >> 2)];
    worst = Math.max(worst, Math.abs(sum / 8 - middles[n]));
  });
  return worst;
}

/**
 * Samples bricks again, finer.
 *
 * @param corners - the bricks' first points in the coarse lattice. @param values - T there, which is kept where it is beyond the band.
 */
async function refineBricks(
  fields: TemplateFields,
  sheet: number,
  corners: readonly number[],
  coarse: Lattice,
  values: Float32Array,
  band: number,
): Promise<Brick[]> {
  if (corners.length === 0) return [];
  const step = (coarse.step * BRICK_CELLS) / FINE_CELLS;
  // One sample more on all sides: for differences, and so that neighbours are fitted to nearly the same.
  const n = samplesOf(FINE_CELLS) + 2;
  const origins = latticePoints(coarse, corners);
  const lattices = corners.map((_, b): Lattice => {
    const origin = [0, 1, 2].map((k) => origins[3 * b + k] - step) as [number, number, number];
    return { origin, step, size: [n, n, n] };
  });
  /** Asks for some points of each brick's lattice at once. */
  const ask = async (wanted: readonly number[][], shift: number) => {
    const points = lattices.map((lattice, b) => {
      const origin = lattice.origin.map((o) => o + shift) as [number, number, number];
      return latticePoints({ ...lattice, origin }, wanted[b]);
    });
    return split(await fields.distance(sheet, joined(points)), wanted);
  };
  const one = new Float64Array(1);
  const sampled = lattices.map((lattice) => {
    const points = latticePoints(lattice, range(n ** 3));
    return Float32Array.from({ length: n ** 3 }, (_, i) => {
      sampleLattice(coarse, values, 1, points[3 * i], points[3 * i + 1], points[3 * i + 2], one);
      return one[0];
    });
  });
  const near = sampled.map((own) => [...own.keys()].filter((at) => !(Math.abs(own[at]) > 2 * step)));
  const distances = await ask(near, 0);
  near.forEach((which, b) => {
    which.forEach((at, i) => {
      sampled[b][at] = distances[b][i];
    });
  });
  const cells = sampled.map((own) => surfaceCells(own, 0, n - 1, n, n, step));
  const middles = await ask(cells, step / 2);
  const first = 1 + n * (1 + n);
  const charts = sampled.map((own) =>
    uvPoints(first, FINE_CELLS, n, n).map((at) => (Math.abs(own[at]) <= band ? at : -1)),
  );
  const asked = charts.map((list) => list.filter((at) => at >= 0));
  const uv = await fields.uv(joined(lattices.map((lattice, b) => latticePoints(lattice, asked[b]))));
  let chart = 0;
  return sampled.map((own, b) => {
    const fitted = own.slice();
    fitToCentres(fitted, lattices[b], cells[b], middles[b]);
    const field = new Float32Array(4 * samplesOf(FINE_CELLS) ** 3);
    let to = 0;
    for (let k = 1; k < n - 1; k++)
      for (let j = 1; j < n - 1; j++)
        for (let i = 1; i < n - 1; i++, to += 4) {
          const at = i + n * (j + n * k);
          [1, n, n * n].forEach((stride, axis) => {
            field[to + axis] = (own[at + stride] - own[at - stride]) / (2 * step);
          });
          field[to + 3] = fitted[at];
        }
    const out = new Float32Array(2 * charts[b].length);
    const known = new Uint8Array(charts[b].length);
    charts[b].forEach((at, i) => {
      if (at < 0) return;
      known[i] = 1;
      out[2 * i] = uv[2 * chart] - 0.5;
      out[2 * i + 1] = uv[2 * chart++ + 1] - 0.5;
    });
    fillBrick(out, known, uvSamplesOf(FINE_CELLS));
    return { cells: FINE_CELLS, field, uv: out };
  });
}

/** One array as pieces as long as these lists. */
function split(array: Float32Array, lists: readonly ArrayLike<number>[]): Float32Array[] {
  let end = 0;
  return lists.map(({ length }) => {
    end += length;
    return array.subarray(end - length, end);
  });
}

function joined(arrays: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}

/** Numbers of the points where a brick has the chart, in the lattice of T. */
function uvPoints(first: number, cells: number, fx: number, fy: number): number[] {
  const out: number[] = [];
  for (let k = 0; k <= cells; k += UV_STRIDE)
    for (let j = 0; j <= cells; j += UV_STRIDE)
      for (let i = 0; i <= cells; i += UV_STRIDE) out.push(first + i + fx * (j + fy * k));
  return out;
}

/** First corners of the cells of a brick that the surface may cross. */
function surfaceCells(
  values: Float32Array,
  first: number,
  cells: number,
  fx: number,
  fy: number,
  spacing: number,
): number[] {
  const out: number[] = [];
  for (let k = 0; k < cells; k++)
    for (let j = 0; j < cells; j++)
      for (let i = 0; i < cells; i++) {
        const at = first + i + fx * (j + fy * k);
        // Of both ends of a diagonal, so that no cell is left out where T turns within it.
        if (Math.min(Math.abs(values[at]), Math.abs(values[at + 1 + fx + fx * fy])) < 1.8 * spacing) out.push(at);
      }
  return out;
}

/** The value at the coarser lattice's point nearest to (i, j, k). */
function nearestKnown(
  values: Float32Array,
  first: number,
  fx: number,
  fy: number,
  i: number,
  j: number,
  k: number,
  stride: number,
): number {
  const snap = (x: number) => Math.min(Math.round(x / stride) * stride, BRICK_CELLS);
  return values[first + snap(i) + fx * (snap(j) + fy * snap(k))];
}

/** Interpolates what is unknown in a brick's lattice of a stride from the one of twice the stride. */
function interpolateBrick(values: Float32Array, first: number, fx: number, fy: number, stride: number): void {
  const coarser = 2 * stride;
  for (let k = 0; k <= BRICK_CELLS; k += stride) {
    for (let j = 0; j <= BRICK_CELLS; j += stride) {
      for (let i = 0; i <= BRICK_CELLS; i += stride) {
        const at = first + i + fx * (j + fy * k);
        if (!Number.isNaN(values[at])) continue;
        const [i0, j0, k0] = [i - (i % coarser), j - (j % coarser), k - (k % coarser)];
        const [i1, j1, k1] = [
          i0 + (i % coarser ? coarser : 0),
          j0 + (j % coarser ? coarser : 0),
          k0 + (k % coarser ? coarser : 0),
        ];
        let sum = 0;
        for (const a of [i0, i1])
          for (const b of [j0, j1]) for (const c of [k0, k1]) sum += values[first + a + fx * (b + fy * c)];
        values[at] = sum / 8;
      }
    }
  }
}

/** Fills a brick's chart outward from what is known. */
function fillBrick(uv: Float32Array, known: Uint8Array, n: number): void {
  let missing = known.length - known.reduce((sum, k) => sum + k, 0);
  if (missing === known.length) return;
  while (missing > 0) {
    const now = known.slice();
    for (let at = 0; at < known.length; at++) {
      if (now[at]) continue;
      let count = 0;
      let u = 0;
      let v = 0;
      const [i, j, k] = [at % n, Math.floor(at / n) % n, Math.floor(at / (n * n))];
      for (const [inside, neighbour] of [
        [i > 0, at - 1],
        [i < n - 1, at + 1],
        [j > 0, at - n],
        [j < n - 1, at + n],
        [k > 0, at - n * n],
        [k < n - 1, at + n * n],
      ] as const) {
        if (!inside || !now[neighbour]) continue;
        count++;
        u += uv[2 * neighbour];
        v += uv[2 * neighbour + 1];
      }
      if (count === 0) continue;
      uv[2 * at] = u / count;
      uv[2 * at + 1] = v / count;
      known[at] = 1;
      missing--;
    }
  }
}

/** Lays all sheets' bricks into one atlas. */
function packBricks(sheets: readonly SheetBricks[], edge: number): TemplateBricks {
  // A brick that the surface does not cross, nor comes near, is not worth its place.
  const kept = sheets.map(({ bricks }) => bricks.map(({ field }) => crosses(field, edge)));
  const count = (cells: number) =>
    sheets.reduce((sum, { bricks }, s) => sum + bricks.filter((b, n) => kept[s][n] && b.cells === cells).length, 0);
  const { sizes, fineSide, side, behind } = layOutAtlases(count(BRICK_CELLS), count(FINE_CELLS));
  const [fieldSize, uvSize] = sizes;
  const slots = new Map([
    [BRICK_CELLS, { side, next: 0, code: BRICK }],
    [FINE_CELLS, { side: fineSide, next: behind * fineSide * fineSide, code: FINE_BRICK }],
  ]);
  const indexSize = [
    Math.max(...sheets.map(({ size }) => size[0])),
    Math.max(...sheets.map(({ size }) => size[1])),
    sheets.reduce((sum, { size }) => sum + size[2], 0),
  ] as const;
  const index = new Uint8Array(4 * indexSize[0] * indexSize[1] * indexSize[2]);
  const range = (RANGE_CELLS * edge) / BRICK_CELLS;
  const field = new Float32Array(4 * fieldSize[0] * fieldSize[1] * fieldSize[2]);
  const uv = new Float32Array(2 * uvSize[0] * uvSize[1] * uvSize[2]);
  let layer = 0;
  const grids = sheets.map(({ origin, size, centre, near, bricks }, s): BrickGrid => {
    const place = (at: number) =>
      4 *
      ((at % size[0]) +
        indexSize[0] *
          ((Math.floor(at / size[0]) % size[1]) + indexSize[1] * (layer + Math.floor(at / (size[0] * size[1])))));
    for (let at = 0; at < centre.length; at++) {
      const g = gradient(centre, size, at, edge).map((c) => 128 + Math.round(127 * c));
      index.set([g[0], g[1], g[2], encodeFar(centre[at])], place(at));
    }
    near.forEach((brick, n) => {
      if (!kept[s][n]) return;
      const { cells, field: own, uv: chart } = bricks[n];
      const row = slots.get(cells)!;
      const slot = row.next++;
      const at = [
        slot % row.side,
        Math.floor(slot / row.side) % row.side,
        Math.floor(slot / (row.side * row.side)),
      ] as const;
      index.set([...at, row.code], place(brick));
      copyBrick(own, samplesOf(cells), 4, field, fieldSize, at);
      copyBrick(chart, uvSamplesOf(cells), 2, uv, uvSize, at);
    });
    const grid = { origin, size, layer };
    layer += size[2];
    return grid;
  });
  return {
    edge,
    sheets: grids,
    index: { data: index, size: indexSize },
    fieldSize,
    uvSize,
    range,
    field: encodeField(field, range),
    uv: encodeHalf(uv),
  };
}

interface AtlasLayout {
  /** Bricks along the first two axes. */
  side: number;
  fineSide: number;
  /** Layers of finer bricks that the others take the place of. */
  behind: number;
  /** Texels of the atlases of T and of the chart. */
  sizes: readonly (readonly [number, number, number])[];
}

/** Finds the width that wastes least: finer bricks lie behind the others, at whole multiples of their own size in both atlases. */
function layOutAtlases(count: number, fineCount: number): AtlasLayout {
  const both = [samplesOf, uvSamplesOf];
  const first = Math.ceil(Math.cbrt(Math.max(count, 1)));
  const layouts = Array.from({ length: first + 1 }, (_, more): AtlasLayout => {
    const side = first + more;
    const layers = Math.max(Math.ceil(count / (side * side)), 1);
    if (fineCount === 0) {
      const sizes = both.map(
        (of) => [side * of(BRICK_CELLS), side * of(BRICK_CELLS), layers * of(BRICK_CELLS)] as const,
      );
      return { side, fineSide: 1, behind: 0, sizes };
    }
    const fits = both.map((of) => Math.floor((side * of(BRICK_CELLS)) / of(FINE_CELLS)));
    const fineSide = Math.max(Math.min(...fits), 1);
    const behind = Math.max(...both.map((of) => Math.ceil((layers * of(BRICK_CELLS)) / of(FINE_CELLS))));
    const deep = behind + Math.ceil(fineCount / (fineSide * fineSide));
    const sizes = both.map((of) => {
      const width = Math.max(side * of(BRICK_CELLS), fineSide * of(FINE_CELLS));
      return [width, width, deep * of(FINE_CELLS)] as const;
    });
    return { side, fineSide, behind, sizes };
  });
  const texels = ({ sizes: [[x, y, z]] }: AtlasLayout) => x * y * z;
  return layouts.reduce((best, layout) => (texels(layout) < texels(best) ? layout : best));
}

/** Gradients and distances in 127ths of what they may be at most. */
function encodeField(field: Float32Array, range: number): Int8Array {
  const out = new Int8Array(field.length);
  for (let n = 0; n < out.length; n++) {
    const share = field[n] / ((n & 3) === 3 ? range : GRADIENT_RANGE);
    out[n] = Math.round(127 * Math.min(Math.max(share, -1), 1));
  }
  return out;
}

/** Whether the surface comes within a cell of a brick. */
function crosses(field: Float32Array, edge: number): boolean {
  const cell = edge / BRICK_CELLS;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let n = 3; n < field.length; n += 4) {
    low = Math.min(low, field[n]);
    high = Math.max(high, field[n]);
  }
  return low < cell && high > -cell;
}

/** The gradient of the bricks' centres' distances by differences, no longer than 1. */
function gradient(centre: Float32Array, size: readonly [number, number, number], at: number, edge: number): number[] {
  const strides = [1, size[0], size[0] * size[1]];
  const g = strides.map((stride, k) => {
    const c = Math.floor(at / stride) % size[k];
    const low = c > 0 ? at - stride : at;
    const high = c < size[k] - 1 ? at + stride : at;
    return high > low ? (centre[high] - centre[low]) / (((high - low) / stride) * edge) : 0;
  });
  const length = Math.max(Math.hypot(...g), 1);
  return g.map((c) => c / length);
}

function copyBrick(
  brick: Float32Array,
  samples: number,
  channels: number,
  atlas: Float32Array,
  [width, height]: readonly [number, number, number],
  [i, j, k]: readonly [number, number, number],
): void {
  const row = channels * samples;
  for (let c = 0; c < samples; c++) {
    for (let b = 0; b < samples; b++) {
      const from = row * (b + samples * c);
      const to = channels * (i * samples + width * (j * samples + b + height * (k * samples + c)));
      atlas.set(brick.subarray(from, from + row), to);
    }
  }
}

function range(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}
