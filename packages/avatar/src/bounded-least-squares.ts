/**
 * Minimises |matrix x - target| over 0 <= x <= 1 by coordinate descent: each unknown in turn takes its best value, which for one
 * unknown is the free one clamped. The problem is convex, so there is nothing to get stuck in. Where columns say the same, the earlier
 * one is preferred.
 *
 * @param matrix - `[rows, columns]` row-major.
 * @param target - `[rows]`
 * @returns `[columns]`
 */
export function solveBoundedLeastSquares(matrix: ArrayLike<number>, target: ArrayLike<number>): Float64Array {
  const rows = target.length;
  const columns = matrix.length / rows;
  const x = new Float64Array(columns);
  const residual = Float64Array.from(target);
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let k = 0; k < columns; k++) squares[k] += matrix[i * columns + k] ** 2;
  // Fifty unknowns take a few dozen sweeps; the limit is for columns that are nearly the same.
  for (let sweep = 0, change = 1; sweep < 20_000 && change > 1e-10; sweep++) {
    change = 0;
    for (let k = 0; k < columns; k++) {
      if (squares[k] === 0) continue;
      let slope = 0;
      for (let i = 0; i < rows; i++) slope += matrix[i * columns + k] * residual[i];
      const step = Math.min(1, Math.max(0, x[k] + slope / squares[k])) - x[k];
      if (step === 0) continue;
      x[k] += step;
      for (let i = 0; i < rows; i++) residual[i] -= step * matrix[i * columns + k];
      change = Math.max(change, Math.abs(step));
    }
  }
  return x;
}
