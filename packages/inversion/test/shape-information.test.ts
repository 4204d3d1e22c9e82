import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { shapeInformation } from '../src/shape-information.js';
import { alignSimilarity, applySimilarity } from '../src/similarity.js';
import { posePoints, type SurfaceSamples } from '../src/surface-samples.js';

const SIGMA = 0.02;

/** A head whose codes are two translations, a rotation about y, a change of size, and `free` deformations by chance. */
function head(seed: number, free: number): SurfaceSamples {
  const random = createRandom(seed);
  const count = 60;
  const origin = Float32Array.from({ length: 3 * count }, () => 0.08 * random.normal() + 0.05);
  const columns: ((i: number) => number)[] = [
    (i) => Number(i % 3 === 0),
    (i) => Number(i % 3 === 2),
    (i) => (i % 3 === 0 ? origin[i + 2] : i % 3 === 2 ? -origin[i - 2] : 0),
    (i) => origin[i],
  ];
  for (let k = 0; k < free; k++) columns.push(() => 0.05 * random.normal());
  const codeSize = columns.length;
  const jacobian = new Float32Array(3 * count * codeSize);
  columns.forEach((column, k) => {
    for (let i = 0; i < 3 * count; i++) jacobian[i * codeSize + k] = column(i);
  });
  return { count, uv: new Float32Array(2 * count), origin, jacobian, codeSize };
}

function quadratic(matrix: Float64Array, d: Float64Array): number {
  return d.reduce((sum, x, i) => sum + x * d.reduce((row, y, j) => row + matrix[i * d.length + j] * y, 0), 0);
}

describe('shapeInformation', () => {
  it('is what remains of a small difference after the best similarity, over the variance', () => {
    const samples = head(1, 5);
    const random = createRandom(2);
    const difference = Float64Array.from({ length: samples.codeSize }, () => 0.003 * random.normal());
    const moved = posePoints(samples, difference);
    const aligned = applySimilarity(alignSimilarity(moved, samples.origin), moved);
    const squares = aligned.reduce((sum, v, i) => sum + (v - samples.origin[i]) ** 2, 0);
    const received = quadratic(shapeInformation(samples, SIGMA), difference);
    expect(received / (squares / SIGMA ** 2)).toBeCloseTo(1, 1);
    expect(received).toBeGreaterThan(0);
  });

  it('says nothing of codes that are similarities, and is symmetric', () => {
    const samples = head(3, 2);
    const information = shapeInformation(samples, SIGMA);
    const n = samples.codeSize;
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        expect(information[a * n + b]).toBe(information[b * n + a]);
        if (a < 4) expect(Math.abs(information[a * n + b])).toBeLessThan(1e-2);
      }
    }
    expect(information[4 * n + 4]).toBeGreaterThan(1);
  });
});
