import { addToGram, createGram, flushGram } from './gram.js';
import type { SurfaceSamples } from './surface-samples.js';

/**
 * The information on codes that lies in the places of points in space, known up to a common similarity: d^T information d is the sum of their squared distances that a
 * difference d of codes makes and no similarity undoes (to first order), over the points' variance.
 *
 * @param sigma - standard deviation of a coordinate, metres.
 * @returns `[Dg + De, Dg + De]`, symmetric.
 */
export function shapeInformation({ count, origin, jacobian, codeSize }: SurfaceSamples, sigma: number): Float64Array {
  const information = new Float64Array(codeSize ** 2);
  const precision = sigma ** -2;
  const gram = createGram(information, codeSize);
  for (let i = 0; i < 3 * count; i++) {
    const row = jacobian.subarray(i * codeSize, (i + 1) * codeSize);
    addToGram(gram, 1 / sigma, row, 0, row);
  }
  flushGram(gram);
  for (const move of similarityMoves(origin)) {
    const explained = new Float64Array(codeSize);
    for (let i = 0; i < 3 * count; i++) {
      for (let k = 0; k < codeSize; k++) explained[k] += move[i] * jacobian[i * codeSize + k];
    }
    for (let a = 0; a < codeSize; a++) {
      const p = precision * explained[a];
      for (let b = a; b < codeSize; b++) information[a * codeSize + b] -= p * explained[b];
    }
  }
  for (let a = 0; a < codeSize; a++) {
    for (let b = 0; b < a; b++) information[a * codeSize + b] = information[b * codeSize + a];
  }
  return information;
}

/** What small translations, rotations and changes of size do to points `[N, 3]`: seven orthonormal `[N, 3]`. */
function similarityMoves(points: Float32Array): Float64Array[] {
  const count = points.length / 3;
  const middle = [0, 1, 2].map((axis) => points.reduce((sum, v, i) => (i % 3 === axis ? sum + v / count : sum), 0));
  const moves: Float64Array[] = [];
  const axes = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const each = (at: (x: number, y: number, z: number) => readonly number[]) => {
    const move = new Float64Array(3 * count);
    for (let i = 0; i < 3 * count; i += 3) {
      move.set(at(points[i] - middle[0], points[i + 1] - middle[1], points[i + 2] - middle[2]), i);
    }
    for (const earlier of moves) {
      const shared = earlier.reduce((sum, v, i) => sum + v * move[i], 0);
      for (let i = 0; i < move.length; i++) move[i] -= shared * earlier[i];
    }
    const length = Math.sqrt(move.reduce((sum, v) => sum + v * v, 0));
    moves.push(move.map((v) => v / length));
  };
  for (const axis of axes) each(() => axis);
  for (const [a, b, c] of axes) each((x, y, z) => [b * z - c * y, c * x - a * z, a * y - b * x]);
  each((x, y, z) => [x, y, z]);
  return moves;
}
