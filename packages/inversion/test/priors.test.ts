import { createRandom } from '@implicit-faces/test-utils';
import { Matrix, solve } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { createNormalEquations, joinEquations, solveStep } from '../src/normal-equations.js';
import { addEncoderAnswer, addGeometryPrior, countIndependent } from '../src/priors.js';

describe('encoder answers', () => {
  it.each([0, 1, 3])('of %i photos together say what all that was seen in them says', (count) => {
    const random = createRandom(6);
    const [geometry, expression] = [5, 3];
    const size = geometry + expression;
    const identity = Matrix.eye(size);
    // An encoder that knows its business: it gives the codes that are likeliest after a look at noisy measurements of them. Expressions are each photo's own.
    const photos = Array.from({ length: count }, () => {
      const rows = Matrix.from1DArray(12, size, Array.from({ length: 12 * size }, random.normal));
      const information = rows.transpose().mmul(rows);
      const seen = rows.transpose().mmul(Matrix.columnVector(Array.from({ length: 12 }, random.normal)));
      return { information, seen };
    });
    const total = geometry + count * expression;
    const precision = Matrix.eye(total);
    const right = Matrix.zeros(total, 1);
    photos.forEach(({ information, seen }, n) => {
      const place = (k: number) => (k < geometry ? k : k + n * expression);
      for (let a = 0; a < size; a++) {
        right.set(place(a), 0, right.get(place(a), 0) + seen.get(a, 0));
        for (let b = 0; b < size; b++) {
          precision.set(place(a), place(b), precision.get(place(a), place(b)) + information.get(a, b));
        }
      }
    });
    const expected = count ? solve(precision, right).to1DArray() : new Array(geometry).fill(0);

    const blocks = (count ? photos : [undefined]).map((photo, n) => {
      const equations = createNormalEquations(size);
      const values = Float64Array.from({ length: size }, () => 0.3);
      if (photo) {
        const codes = Float64Array.from(solve(Matrix.add(identity, photo.information), photo.seen).to1DArray());
        const information = Float64Array.from(photo.information.to1DArray());
        addEncoderAnswer(equations, { codes, weight: 1, information }, values, geometry);
      }
      // The expressions' own prior, which is not the answers' business.
      for (let k = geometry; k < size; k++) {
        equations.matrix[k * size + k] += 1;
        equations.gradient[k] += photo ? values[k] - encodedExpression(photo, k) : values[k];
      }
      addGeometryPrior(equations, values, geometry, n === 0 ? count : 1);
      return equations;
    });
    const step = solveStep(joinEquations(blocks, geometry), 0);
    expect(step).toBeDefined();
    for (const [k, value] of expected.entries()) expect(0.3 + step![k]).toBeCloseTo(value, 9);

    function encodedExpression({ information, seen }: { information: Matrix; seen: Matrix }, k: number): number {
      return solve(Matrix.add(identity, information), seen).get(k, 0);
    }
  });
});

describe('the answers that count', () => {
  it('are all where they are as long as what photos tell, and one where they are much longer', () => {
    const random = createRandom(7);
    const [geometry, expression] = [40, 2];
    const size = geometry + expression;
    // Photos tell half of each geometry code's variance: answers have the other half's.
    const information = new Float64Array(size ** 2);
    for (let k = 0; k < size; k++) information[k * size + k] = 1;
    const answers = (variance: number) =>
      Array.from({ length: 3 }, () => {
        const code = Float64Array.from({ length: geometry }, random.normal);
        const length = Math.sqrt((geometry * variance) / code.reduce((sum, c) => sum + c * c, 0));
        return code.map((c) => c * length);
      });
    expect(countIndependent(answers(0.5), information)).toBeCloseTo(3, 9);
    expect(countIndependent(answers(1.25), information)).toBeCloseTo(2, 9);
    expect(countIndependent(answers(2), information)).toBe(1);
    expect(countIndependent(answers(9).slice(1, 2), information)).toBe(1);
    expect(countIndependent([], information)).toBe(0);
  });
});
