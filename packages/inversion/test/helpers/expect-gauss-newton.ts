import { expect } from 'vitest';
import { createNormalEquations, type NormalEquations } from '../../src/normal-equations.js';
import { differentiate } from './scenes.js';

/** A residual as a function of a step of all parameters, and its weight. */
export interface WeightedResidual {
  residual: (step: Float64Array) => number;
  weight: number;
}

/** The normal equations of the residuals, by finite differences and plain loops; the lower triangle stays empty. */
function slowEquations(residuals: readonly WeightedResidual[], size: number): NormalEquations {
  const out = createNormalEquations(size);
  for (const { residual, weight } of residuals) {
    const row = differentiate(residual, size);
    const value = residual(new Float64Array(size));
    for (let i = 0; i < size; i++) {
      for (let j = i; j < size; j++) out.matrix[i * size + j] += weight * row[i] * row[j];
      out.gradient[i] += weight * row[i] * value;
    }
    out.cost += weight * value * value;
  }
  return out;
}

/** Compares a loss's gradient, matrix and cost with those of its residuals. */
export function expectGaussNewton(received: NormalEquations, residuals: readonly WeightedResidual[]): void {
  const expected = slowEquations(residuals, received.size);
  const tolerance = (values: Float64Array) => ({ relative: 1e-4, absolute: 1e-4 * Math.max(...values.map(Math.abs)) });
  expect(received.matrix).toBeCloseToTensor(expected.matrix, tolerance(expected.matrix));
  expect(received.gradient).toBeCloseToTensor(expected.gradient, tolerance(expected.gradient));
  expect([received.cost]).toBeCloseToTensor([expected.cost], { relative: 1e-4 });
}
