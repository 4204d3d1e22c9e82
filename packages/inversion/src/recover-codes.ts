import type { FaceModel } from '@implicit-faces/avatar';
import { mergeOptions } from '@implicit-faces/runtime';
import type { Codes } from '@implicit-faces/sdf-core';
import { REGIONS, sampleChartMap, type UvModel } from '@implicit-faces/uv-param';
import { FaceError } from './errors.js';
import {
  addPrior,
  addResidual,
  createNormalEquations,
  type NormalEquations,
  solveBounded,
} from './normal-equations.js';

/** Points on a face's skin that nobody has named: from a depth camera, a scanner, another mesh. */
export interface SurfaceScan {
  /** `[N, 3]` posed space (the head's own frame, docs/conventions.md), metres. */
  points: Float32Array;
  /** `[N, 3]` unit normals, outward. */
  normals: Float32Array;
}

export interface RecoverCodesOptions {
  /** Gauss-Newton steps. The first ones are wary, so fewer than ten find less. */
  steps?: number;
  signal?: AbortSignal;
  /** Called after each step with the share that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export const RECOVER_CODES_DEFAULTS = { steps: 12 };

export interface RecoveredCodes {
  /** `[Dg]`, one for all scans. */
  geometry: Float32Array;
  /** `[De]` for each scan, 0 to 1. */
  expressions: Float32Array[];
  /** Root mean square distance of the points that count to the tangent planes, metres. */
  rmsMetres: number;
}

/** Fewer points than this leave most of the codes to the prior. */
export const LEAST_POINTS = 100;

/** Standard deviation of a point's distance to the model, metres: the networks' own error, not a scanner's. */
const SIGMA = 0.0006;
/** Neighbouring points err alike, so a scan counts as this many at most. */
const INDEPENDENT = 1000;
/** What expression weights cost: most weights of a face are zero and none is negative (an exponential prior), and where shapes say the same the smaller sum is preferred. */
const EXPRESSION_COST = 20;
const EXPRESSION_RIDGE = 1;
/** The width of the robust weight (Geman and McClure), metres, at the first step and from two thirds of the steps on. */
const WIDE = 0.02;
const NARROW = 0.002;

/**
 * Recovers codes of a face from scans of it, without correspondences or a start: test-time optimisation from the mean face. Each step asks g where on the chart every point belongs at the present
 * codes and solves for the codes whose g^-1 meets the points' tangent planes there; that is linear in the codes, so a step is one bounded least-squares problem (Gauss-Newton, as ICP with the network in place of
 * the nearest neighbour). Several scans of one person in different expressions share the geometry code, which tells who it is from what the face does far better than one scan can.
 *
 * @param scans - of one person, one expression each, in the head's own frame: the outer skin alone, without eyeballs, teeth and hair.
 * @returns geometry code, expression codes in the scans' order. Deterministic.
 * @throws FaceError `SCAN` for no scans, fewer than `LEAST_POINTS` points, arrays that do not fit, numbers that are not finite or points that are nowhere near a face; `OPTION` for steps that are no whole number.
 * Throws the signal's reason when aborted.
 * @example const { geometry, expressions } = await recoverCodes(model, [{ points, normals }]);
 * @see Lin et al. 2023, section 3: their auto-decoder's codes of unseen faces; Chen and Medioni 1992 for the tangent planes.
 */
export async function recoverCodes(
  model: Pick<FaceModel, 'manifest' | 'uv'>,
  scans: readonly SurfaceScan[],
  options: RecoverCodesOptions = {},
): Promise<RecoveredCodes> {
  const { signal, onProgress } = options;
  const { steps } = mergeOptions(RECOVER_CODES_DEFAULTS, { steps: options.steps });
  check(scans, steps);
  const { geometry: Dg, expression: De } = model.manifest.codes;
  const size = Dg + De * scans.length;
  const codes = new Float64Array(size);
  const lower = new Float64Array(size).fill(Number.NEGATIVE_INFINITY, 0, Dg);
  const upper = new Float64Array(size).fill(1).fill(Number.POSITIVE_INFINITY, 0, Dg);
  const codesOf = (scan: number) => ({
    geometry: Float32Array.from(codes.subarray(0, Dg)),
    expression: Float32Array.from(codes.subarray(Dg + De * scan, Dg + De * (scan + 1))),
  });
  const outer = outerPlaces(model.uv);
  let rmsMetres = 0;
  for (let step = 0; step < steps; step++) {
    const width = Math.max(NARROW, WIDE * (NARROW / WIDE) ** ((1.5 * step) / Math.max(steps - 1, 1)));
    const whole = createNormalEquations(size);
    let [squares, count] = [0, 0];
    for (const [k, scan] of scans.entries()) {
      signal?.throwIfAborted();
      const own = await gather(model, scan, outer, codesOf(k), width);
      merge(whole, own.equations, Dg, Dg + De * k);
      squares += own.squares;
      count += own.count;
    }
    if (count < LEAST_POINTS) {
      throw new FaceError(
        'SCAN',
        `recoverCodes: points should lie near a face in the head's own frame; received ${count} that do. Align the scan first: metres, +Y up, the face toward +Z.`,
      );
    }
    for (let k = 0; k < size; k++) {
      addPrior(whole, k, codes[k], k < Dg ? 1 : EXPRESSION_RIDGE);
      if (k >= Dg) whole.gradient[k] += EXPRESSION_COST;
    }
    solveBounded(whole, codes, lower, upper);
    rmsMetres = Math.sqrt(squares / count);
    onProgress?.((step + 1) / steps);
  }
  const found = scans.map((_, k) => codesOf(k));
  return { geometry: found[0].geometry, expressions: found.map(({ expression }) => expression), rmsMetres };
}

/** One scan's equations over its geometry and expression code, at present codes. */
async function gather(
  { uv }: Pick<FaceModel, 'uv'>,
  { points, normals }: SurfaceScan,
  outer: Float32Array,
  codes: Codes,
  width: number,
): Promise<{ equations: NormalEquations; squares: number; count: number }> {
  const size = codes.geometry.length + codes.expression.length;
  const equations = createNormalEquations(size);
  const places = await uv.uvFromSurface(points, codes);
  const region = sampleChartMap(uv.topology.regions, places.uv);
  // A scan shows the outer skin; where lids or lips have yet to close, g names the eyeball, the teeth or the skin behind them.
  const isLost = (i: number) =>
    places.chart[i] !== 0 || region[i] === REGIONS.mouthBag || region[i] === REGIONS.eyeSockets;
  const lost = Array.from(places.chart, (_, i) => i).filter(isLost);
  if (lost.length > 0) await placeAtNearest(uv, outer, points, lost, codes, places.uv);
  const { points: at, jacobian } = await uv.surfaceJacobian(places.uv, codes);
  const row = new Float64Array(size);
  const share = Math.min(1, (INDEPENDENT * 3) / points.length) / SIGMA ** 2;
  let [squares, count] = [0, 0];
  for (let i = 0; i < points.length / 3; i++) {
    const p = 3 * i;
    const [dx, dy, dz] = [at[p] - points[p], at[p + 1] - points[p + 1], at[p + 2] - points[p + 2]];
    const [nx, ny, nz] = [normals[p], normals[p + 1], normals[p + 2]];
    const off = nx * dx + ny * dy + nz * dz;
    const square = dx * dx + dy * dy + dz * dz;
    // Where g has found no place, g^-1 leads far away: such points wait until the codes are nearer.
    const robust = (1 + square / width ** 2) ** -2;
    const weight = share * robust;
    const j = p * size;
    for (let k = 0; k < size; k++) {
      row[k] = nx * jacobian[j + k] + ny * jacobian[j + size + k] + nz * jacobian[j + 2 * size + k];
    }
    addResidual(equations, row, off, weight);
    // A point that had to go to the nearest vertex is drawn there whole: on its tangent plane alone a lid could not close.
    for (let axis = 0; axis < 3 && isLost(i); axis++) {
      for (let k = 0; k < size; k++) row[k] = jacobian[j + axis * size + k];
      addResidual(equations, row, axis === 0 ? dx : axis === 1 ? dy : dz, weight);
    }
    if (square < width ** 2) {
      squares += off * off;
      count++;
    }
  }
  return { equations, squares, count };
}

/** Places `[N, 2]` of the mesh's vertices on the outer skin. */
function outerPlaces({ topology: { skin, regions } }: UvModel): Float32Array {
  const region = sampleChartMap(regions, skin.uv);
  return skin.uv.filter((_, i) => region[i >> 1] !== REGIONS.mouthBag && region[i >> 1] !== REGIONS.eyeSockets);
}

/** Puts the chart places of the vertices that are nearest to some of the points into `places`. */
async function placeAtNearest(
  uv: UvModel,
  outer: Float32Array,
  points: Float32Array,
  chosen: readonly number[],
  codes: Codes,
  places: Float32Array,
): Promise<void> {
  const vertices = await uv.surfaceFromUv(outer, codes);
  for (const i of chosen) {
    const [x, y, z] = points.subarray(3 * i, 3 * i + 3);
    let [nearest, least] = [0, Number.POSITIVE_INFINITY];
    for (let v = 0; v < vertices.length; v += 3) {
      const square = (vertices[v] - x) ** 2 + (vertices[v + 1] - y) ** 2 + (vertices[v + 2] - z) ** 2;
      if (square < least) [nearest, least] = [v / 3, square];
    }
    places.set(outer.subarray(2 * nearest, 2 * nearest + 2), 2 * i);
  }
}

/** Adds a scan's equations to those of all: its geometry block to the common one, its expression block at `at`. */
function merge(whole: NormalEquations, own: NormalEquations, geometry: number, at: number): void {
  const place = (k: number) => (k < geometry ? k : at + k - geometry);
  for (let i = 0; i < own.size; i++) {
    whole.gradient[place(i)] += own.gradient[i];
    for (let j = i; j < own.size; j++) whole.matrix[place(i) * whole.size + place(j)] += own.matrix[i * own.size + j];
  }
  whole.cost += own.cost;
}

function check(scans: readonly SurfaceScan[], steps: number): void {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new FaceError('OPTION', `recoverCodes: steps should be a whole number of 1 or more; received ${steps}.`);
  }
  if (scans.length === 0) {
    throw new FaceError('SCAN', 'recoverCodes: scans should hold at least one; received none.');
  }
  for (const [k, { points, normals }] of scans.entries()) {
    if (points.length % 3 !== 0 || points.length < 3 * LEAST_POINTS) {
      throw new FaceError(
        'SCAN',
        `recoverCodes: scans[${k}].points should be [N, 3] with N of ${LEAST_POINTS} or more; received ${points.length} numbers. A thousand points suit a face.`,
      );
    }
    if (normals.length !== points.length) {
      throw new FaceError(
        'SCAN',
        `recoverCodes: scans[${k}].normals should be [${points.length / 3}, 3]; received ${normals.length} numbers.`,
      );
    }
    for (const [name, values] of Object.entries({ points, normals })) {
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new FaceError(
          'SCAN',
          `recoverCodes: scans[${k}].${name} should be finite; received ${values[bad]} at ${bad}. Drop that point.`,
        );
      }
    }
  }
}
