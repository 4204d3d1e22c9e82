import { addToGram, createGram, type Gram } from './gram.js';

/** The normal equations (J^T W J) x = -J^T W r of a least-squares problem, gathered residual by residual. */
export interface NormalEquations {
  readonly size: number;
  /** `[size, size]`, only the upper triangle is kept up. */
  readonly matrix: Float64Array;
  /** `[size]` J^T W r */
  readonly gradient: Float64Array;
  /** sum of W r^2 */
  cost: number;
}

export function createNormalEquations(size: number): NormalEquations {
  return { size, matrix: new Float64Array(size * size), gradient: new Float64Array(size), cost: 0 };
}

/** One residual with its row of the Jacobian, over the parameters [0, row.length). */
export function addResidual(equations: NormalEquations, row: Float64Array, residual: number, weight: number): void {
  const { size, matrix, gradient } = equations;
  for (let i = 0; i < row.length; i++) {
    const a = weight * row[i];
    if (a === 0) continue;
    gradient[i] += a * residual;
    const at = i * size;
    for (let j = i; j < row.length; j++) matrix[at + j] += a * row[j];
  }
  equations.cost += weight * residual * residual;
}

/** The same for a row that is mostly zero: `count` values and their parameters, ascending. */
export function addSparseResidual(
  equations: NormalEquations,
  parameters: Int32Array,
  values: Float64Array,
  count: number,
  residual: number,
  weight: number,
): void {
  const { size, matrix, gradient } = equations;
  for (let i = 0; i < count; i++) {
    const a = weight * values[i];
    gradient[parameters[i]] += a * residual;
    const at = parameters[i] * size;
    for (let j = i; j < count; j++) matrix[at + parameters[j]] += a * values[j];
  }
  equations.cost += weight * residual * residual;
}

/** Residual pairs on their way into normal equations. */
export interface PairGatherer {
  readonly equations: NormalEquations;
  readonly gram: Gram;
}

/** Gathers residual pairs for normal equations, whose matrix is complete only after `flushGram(gatherer.gram)`. */
export function gatherPairs(equations: NormalEquations): PairGatherer {
  return { equations, gram: createGram(equations.matrix, equations.size) };
}

/**
 * A residual pair r(x, y) whose rows, `[size]`, are mixes of two: J^T M J with M `[a, b; b, c]`, which is no less than 0, and J^T g. This is how residuals of many colour channels that
 * depend on the parameters only through a pixel's place cost no more than two rows.
 */
export function addPair(
  { equations: { gradient }, gram }: PairGatherer,
  x: Float64Array,
  y: Float64Array,
  a: number,
  b: number,
  c: number,
  gx: number,
  gy: number,
): void {
  for (let i = 0; i < x.length; i++) gradient[i] += gx * x[i] + gy * y[i];
  // M = L L^T, so the pair is as good as two rows of weight 1.
  const first = Math.sqrt(a);
  const shared = first > 0 ? b / first : 0;
  const second = Math.sqrt(Math.max(0, c - shared * shared));
  if (first > 0) addToGram(gram, first, x, shared, y);
  if (second > 0) addToGram(gram, 0, x, second, y);
}

/** A residual `value - target` of one parameter. */
export function addPrior(equations: NormalEquations, index: number, difference: number, weight: number): void {
  equations.matrix[index * equations.size + index] += weight;
  equations.gradient[index] += weight * difference;
  equations.cost += weight * difference * difference;
}

/** A Gaussian prior on the first K parameters: weight difference^T information difference, with `information` `[K, K]` symmetric and `difference` `[K]` from its mean. */
export function addGaussianPrior(
  equations: NormalEquations,
  information: Float64Array,
  difference: Float64Array,
  weight = 1,
): void {
  const { size, matrix, gradient } = equations;
  const count = difference.length;
  for (let i = 0; i < count; i++) {
    let slope = 0;
    for (let j = 0; j < count; j++) slope += weight * information[i * count + j] * difference[j];
    for (let j = i; j < count; j++) matrix[i * size + j] += weight * information[i * count + j];
    gradient[i] += slope;
    equations.cost += slope * difference[i];
  }
}

/**
 * Several problems that share their first `shared` parameters as one: parameters are the shared ones, then each problem's own, in order.
 */
export function joinEquations(blocks: readonly NormalEquations[], shared: number): NormalEquations {
  if (blocks.length === 1) return blocks[0];
  const joined = createNormalEquations(blocks.reduce((sum, { size }) => sum + size - shared, shared));
  let own = shared;
  for (const { size, matrix, gradient, cost } of blocks) {
    const place = (k: number) => (k < shared ? k : own + k - shared);
    for (let i = 0; i < size; i++) {
      joined.gradient[place(i)] += gradient[i];
      for (let j = i; j < size; j++) joined.matrix[place(i) * joined.size + place(j)] += matrix[i * size + j];
    }
    joined.cost += cost;
    own += size - shared;
  }
  return joined;
}

/** The values of joined parameters: the shared ones are the first block's. */
export function joinValues(blocks: readonly Float64Array[], shared: number): Float64Array {
  return Float64Array.from([
    ...blocks[0].subarray(0, shared),
    ...blocks.flatMap((block) => [...block.subarray(shared)]),
  ]);
}

/** The other way round: each block has the shared values and its own. */
export function splitJoined(values: Float64Array, sizes: readonly number[], shared: number): Float64Array[] {
  let own = shared;
  return sizes.map((size) => {
    const block = new Float64Array(size);
    block.set(values.subarray(0, shared));
    block.set(values.subarray(own, own + size - shared), shared);
    own += size - shared;
    return block;
  });
}

/**
 * Solves for the step, by Cholesky.
 *
 * @param damping - added to the diagonal, relative to it (Marquardt).
 * @param frozen - parameters that may not move.
 * @returns `[size]`, or undefined where the matrix is not positive definite or not finite.
 */
export function solveStep(
  { size, matrix, gradient }: NormalEquations,
  damping: number,
  frozen?: Uint8Array,
): Float64Array | undefined {
  const free: number[] = [];
  for (let i = 0; i < size; i++) if (!frozen?.[i]) free.push(i);
  const count = free.length;
  // Row by row, the part of each that stands before the diagonal is that row of L. In plain arrays: a matrix class takes several times as long to fill.
  const lower = new Float64Array(count * count);
  const forward = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const row = i * count;
    for (let j = 0; j <= i; j++) {
      const other = j * count;
      let rest = matrix[free[j] * size + free[i]];
      if (i === j) rest = rest * (1 + damping) + 1e-12;
      for (let k = 0; k < j; k++) rest -= lower[row + k] * lower[other + k];
      if (i !== j) lower[row + j] = rest / lower[other + j];
      else if (rest > 0 && rest < Number.POSITIVE_INFINITY) lower[row + i] = Math.sqrt(rest);
      else return undefined;
    }
    let rest = -gradient[free[i]];
    for (let k = 0; k < i; k++) rest -= lower[row + k] * forward[k];
    forward[i] = rest / lower[row + i];
  }
  const step = new Float64Array(size);
  for (let i = count - 1; i >= 0; i--) {
    const value = forward[i] / lower[i * count + i];
    for (let k = 0; k < i; k++) forward[k] -= lower[i * count + k] * value;
    step[free[i]] = value;
  }
  return step.every(Number.isFinite) ? step : undefined;
}

/**
 * A step that keeps to bounds: parameters that stand at one and would leave it stay, and the rest is solved for again; what would only now go beyond ends there.
 *
 * @param values - `[K]` where the first K parameters are now; the others have no bounds.
 * @param bounds - `[K]` each.
 * @param frozen - parameters that may not move.
 * @returns `[size]`, or undefined as `solveStep`.
 */
export function solveStepWithin(
  equations: NormalEquations,
  damping: number,
  values: Float64Array,
  { lower, upper }: { lower: Float64Array; upper: Float64Array },
  frozen: Uint8Array,
): Float64Array | undefined {
  const free = solveStep(equations, damping, frozen);
  if (!free) return undefined;
  const held = frozen.slice();
  values.forEach((value, k) => {
    const next = value + free[k];
    if ((next < lower[k] && value <= lower[k]) || (next > upper[k] && value >= upper[k])) held[k] = 1;
  });
  const isHeld = held.some((value, k) => value !== frozen[k]);
  const step = (isHeld && solveStep(equations, damping, held)) || free;
  values.forEach((value, k) => {
    step[k] = held[k] ? 0 : Math.min(Math.max(value + step[k], lower[k]), upper[k]) - value;
  });
  return step;
}

const SWEEPS = 400;
const SETTLED = 1e-5;

/**
 * Moves parameters to where the quadratic cost is least within bounds: coordinate descent, each parameter in turn taking its best value. The problem is convex, so there is
 * nothing to get stuck in.
 *
 * @param equations - gathered at `parameters`.
 * @param parameters - `[size]`, moved in place; the start, too.
 */
export function solveBounded(
  { size, matrix, gradient }: NormalEquations,
  parameters: Float64Array,
  lower: Float64Array,
  upper: Float64Array,
): void {
  const full = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      full[i * size + j] = matrix[i * size + j];
      full[j * size + i] = matrix[i * size + j];
    }
  }
  const slope = gradient.slice();
  for (let sweep = 0, change = 1; sweep < SWEEPS && change > SETTLED; sweep++) {
    change = 0;
    for (let k = 0; k < size; k++) {
      const curvature = full[k * size + k];
      if (curvature <= 0) continue;
      const target = Math.min(Math.max(parameters[k] - slope[k] / curvature, lower[k]), upper[k]);
      const step = target - parameters[k];
      if (step === 0) continue;
      parameters[k] = target;
      const at = k * size;
      for (let i = 0; i < size; i++) slope[i] += step * full[at + i];
      change = Math.max(change, Math.abs(step));
    }
  }
}
