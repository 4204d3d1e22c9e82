import { createRandom, type Random } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { flushGram } from '../src/gram.js';
import {
  addGaussianPrior,
  addPair,
  addPrior,
  addResidual,
  addSparseResidual,
  createNormalEquations,
  gatherPairs,
  type NormalEquations,
  solveBounded,
  solveStep,
} from '../src/normal-equations.js';

/** Equations of random residuals, more than there are parameters. */
function someEquations(random: Random, size: number): NormalEquations {
  const equations = createNormalEquations(size);
  for (let n = 0; n < 3 * size; n++) {
    addResidual(equations, Float64Array.from({ length: size }, random.normal), random.normal(), random.uniform(0.1, 2));
  }
  return equations;
}

/** Solves A x = b by Gauss and Jordan with row pivoting. */
function solveDense(matrix: number[][], right: number[]): number[] {
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let i = 0; i < a.length; i++) {
    const pivot = a.reduce((best, row, j) => (j >= i && Math.abs(row[i]) > Math.abs(a[best][i]) ? j : best), i);
    [a[i], a[pivot]] = [a[pivot], a[i]];
    for (let j = 0; j < a.length; j++) {
      if (j === i) continue;
      const factor = a[j][i] / a[i][i];
      a[j] = a[j].map((value, k) => value - factor * a[i][k]);
    }
  }
  return a.map((row, i) => row[a.length] / row[i]);
}

/** The whole matrix from its upper triangle, without the parameters that are left out. */
function dense({ size, matrix }: NormalEquations, kept: number[], damping: number): number[][] {
  return kept.map((i) => kept.map((j) => matrix[Math.min(i, j) * size + Math.max(i, j)] * (i === j ? 1 + damping : 1)));
}

describe('addGaussianPrior', () => {
  it('is what the residuals of a root of the information are', () => {
    const random = createRandom(11);
    const [size, count] = [5, 3];
    const rows = Array.from({ length: 4 }, () => Float64Array.from({ length: count }, random.normal));
    const difference = Float64Array.from({ length: count }, random.normal);
    const [expected, received] = [createNormalEquations(size), createNormalEquations(size)];
    for (const row of rows) {
      addResidual(
        expected,
        row,
        row.reduce((sum, v, k) => sum + v * difference[k], 0),
        1,
      );
    }
    const information = Float64Array.from({ length: count * count }, (_, i) =>
      rows.reduce((sum, row) => sum + row[Math.floor(i / count)] * row[i % count], 0),
    );
    addGaussianPrior(received, information, difference);
    expect(received.matrix).toBeCloseToTensor(expected.matrix, 1e-9);
    expect(received.gradient).toBeCloseToTensor(expected.gradient, 1e-9);
    expect(received.cost).toBeCloseTo(expected.cost, 9);
  });
});

describe('solveStep', () => {
  it.each([1, 2, 3, 4, 5])('agrees with a naive solver, seed %i', (seed) => {
    const random = createRandom(seed);
    const size = 2 + random.integer(12);
    const damping = seed % 2 ? 0 : 0.3;
    const equations = someEquations(random, size);
    const all = Array.from({ length: size }, (_, i) => i);
    const expected = solveDense(
      dense(equations, all, damping),
      Array.from(equations.gradient, (g) => -g),
    );
    expect(solveStep(equations, damping)).toBeCloseToTensor(expected, 1e-9);
  });

  it.each([6, 7, 8])(
    'leaves frozen parameters alone and solves for the others as if they were not there, seed %i',
    (seed) => {
      const random = createRandom(seed);
      const equations = someEquations(random, 9);
      const frozen = Uint8Array.from({ length: 9 }, (_, i) => (i % 3 === seed % 3 ? 1 : 0));
      const kept = Array.from(frozen.keys()).filter((i) => !frozen[i]);
      const solved = solveDense(
        dense(equations, kept, 0.01),
        kept.map((i) => -equations.gradient[i]),
      );
      const expected = Array.from(frozen, (f, i) => (f ? 0 : solved[kept.indexOf(i)]));
      expect(solveStep(equations, 0.01, frozen)).toBeCloseToTensor(expected, 1e-9);
    },
  );

  it('gives up on a matrix that is not positive definite', () => {
    const equations = createNormalEquations(2);
    equations.matrix.set([1, 2, 0, 1]);
    expect(solveStep(equations, 0)).toBeUndefined();
    equations.matrix.set([-1, 0, 0, 1]);
    expect(solveStep(equations, 0)).toBeUndefined();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('gives up on a %f anywhere', (bad) => {
    for (const at of [0, 1, 3]) {
      const equations = someEquations(createRandom(1), 2);
      equations.matrix[at] = bad;
      expect(solveStep(equations, 0)).toBeUndefined();
    }
    const equations = someEquations(createRandom(1), 2);
    equations.gradient[1] = bad;
    expect(solveStep(equations, 0)).toBeUndefined();
  });
});

describe('addSparseResidual', () => {
  it.each([1, 2, 3])('equals addResidual with zeros in between, seed %i', (seed) => {
    const random = createRandom(seed);
    const [sparse, dense] = [createNormalEquations(12), createNormalEquations(12)];
    for (let n = 0; n < 20; n++) {
      const parameters = Int32Array.from({ length: 12 }, (_, k) => k).filter(() => random.uniform() < 0.4);
      const values = Float64Array.from(parameters, random.normal);
      const row = new Float64Array(12);
      parameters.forEach((k, i) => {
        row[k] = values[i];
      });
      const [residual, weight] = [random.normal(), random.uniform(0.1, 2)];
      addSparseResidual(sparse, parameters, values, parameters.length, residual, weight);
      addResidual(dense, row, residual, weight);
    }
    expect(sparse).toEqual(dense);
  });
});

describe('addPair', () => {
  it.each([1, 2, 3])('equals one addResidual per channel of a pair of rows, seed %i', (seed) => {
    const random = createRandom(seed);
    const size = 6;
    const [x, y] = [0, 1].map(() => Float64Array.from({ length: size }, random.normal));
    const expected = createNormalEquations(size);
    const m = [0, 0, 0, 0, 0];
    for (let channel = 0; channel < 3; channel++) {
      const [dx, dy, r, w] = [random.normal(), random.normal(), random.normal(), random.uniform(0.1, 1)];
      addResidual(
        expected,
        x.map((v, i) => dx * v + dy * y[i]),
        r,
        w,
      );
      [dx * dx, dx * dy, dy * dy, r * dx, r * dy].forEach((v, i) => {
        m[i] += w * v;
      });
    }
    const received = createNormalEquations(size);
    const pairs = gatherPairs(received);
    addPair(pairs, x, y, m[0], m[1], m[2], m[3], m[4]);
    flushGram(pairs.gram);
    expect(received.matrix).toBeCloseToTensor(expected.matrix, 1e-12);
    expect(received.gradient).toBeCloseToTensor(expected.gradient, 1e-12);
  });
});

describe('addPrior', () => {
  it('equals addResidual with a row of one 1', () => {
    const expected = someEquations(createRandom(2), 4);
    const received = { ...expected, matrix: expected.matrix.slice(), gradient: expected.gradient.slice() };
    addResidual(expected, new Float64Array([0, 0, 1, 0]), -0.7, 3);
    addPrior(received, 2, -0.7, 3);
    expect(received).toEqual(expected);
  });
});

describe('solveBounded', () => {
  const unbounded = (size: number, sign: number) => new Float64Array(size).fill(sign * Number.POSITIVE_INFINITY);

  it('goes where solveStep goes when no bound is near', () => {
    const random = createRandom(31);
    const equations = someEquations(random, 9);
    const parameters = Float64Array.from({ length: 9 }, random.normal);
    const step = solveStep(equations, 0) as Float64Array;
    const expected = parameters.map((p, k) => p + step[k]);
    solveBounded(equations, parameters, unbounded(9, -1), unbounded(9, 1));
    expect(parameters).toBeCloseToTensor(expected, 1e-3);
  });

  it('ends where the slope is zero, or points out of the bound that holds it', () => {
    const random = createRandom(32);
    const equations = someEquations(random, 12);
    const start = new Float64Array(12).fill(0.5);
    const parameters = start.slice();
    solveBounded(equations, parameters, new Float64Array(12).fill(0.3), new Float64Array(12).fill(0.7));
    let held = 0;
    for (let i = 0; i < 12; i++) {
      let slope = equations.gradient[i];
      for (let j = 0; j < 12; j++) {
        slope += equations.matrix[Math.min(i, j) * 12 + Math.max(i, j)] * (parameters[j] - start[j]);
      }
      if (parameters[i] === 0.3) expect(slope).toBeGreaterThanOrEqual(0);
      else if (parameters[i] === 0.7) expect(slope).toBeLessThanOrEqual(0);
      else expect(Math.abs(slope)).toBeLessThan(1e-2);
      if (parameters[i] === 0.3 || parameters[i] === 0.7) held++;
    }
    expect(held).toBeGreaterThan(0);
  });
});
