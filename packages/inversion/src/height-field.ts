/**
 * What is known of a height field on a square grid: at each node a quadratic form of the steps to the next nodes right and below, and how near to zero it is believed to be,
 *
 *     E(h) = sum over nodes of  1/2 s^T M s - b^T s + 1/2 k h^2,   s = (h[x + 1, y] - h[x, y], h[x, y + 1] - h[x, y])
 *
 * A node counts where its neighbours right and below are on the grid.
 */
export interface HeightFieldProblem {
  size: number;
  /** `[size, size, 3]` M's entries xx, xy, yy, positive semidefinite. */
  form: Float32Array;
  /** `[size, size, 2]` b */
  slope: Float32Array;
  /** `[size, size]` k, positive. */
  ridge: Float32Array;
}

/** Relative length of the residual at which the solution stands. */
const SETTLED = 1e-3;

/**
 * The heights at which the energy is least, by conjugate gradients, preconditioned by the diagonal. With slopes and heights both held near zero the number of steps goes by the
 * square root of their ratio, not by the size of the grid.
 *
 * @returns heights `[size, size]`, and by how much they lower the energy from that of a flat field.
 */
export function solveHeightField(
  problem: HeightFieldProblem,
  iterations = 100,
): { heights: Float64Array; gain: number } {
  const { size } = problem;
  const count = size * size;
  const heights = new Float64Array(count);
  const rest = gradientTerm(problem);
  const diagonal = diagonalOf(problem);
  const direction = new Float64Array(count);
  const image = new Float64Array(count);
  let rho = 0;
  for (let i = 0; i < count; i++) {
    direction[i] = rest[i] / diagonal[i];
    rho += rest[i] * direction[i];
  }
  const goal = rho * SETTLED ** 2;
  for (let n = 0; n < iterations && rho > goal; n++) {
    applyForm(problem, direction, image);
    let curvature = 0;
    for (let i = 0; i < count; i++) curvature += direction[i] * image[i];
    const step = rho / curvature;
    let next = 0;
    for (let i = 0; i < count; i++) {
      heights[i] += step * direction[i];
      rest[i] -= step * image[i];
      next += (rest[i] * rest[i]) / diagonal[i];
    }
    const keep = next / rho;
    rho = next;
    for (let i = 0; i < count; i++) direction[i] = rest[i] / diagonal[i] + keep * direction[i];
  }
  const b = gradientTerm(problem);
  return { heights, gain: heights.reduce((sum, h, i) => sum + (h * b[i]) / 2, 0) };
}

/** The energy itself, node by node. */
export function heightFieldEnergy(
  { size, form, slope, ridge }: HeightFieldProblem,
  heights: ArrayLike<number>,
): number {
  let energy = 0;
  for (let i = 0; i < size * size; i++) {
    energy += (ridge[i] * heights[i] ** 2) / 2;
    if (i % size === size - 1 || i >= size * (size - 1)) continue;
    const [x, y] = [heights[i + 1] - heights[i], heights[i + size] - heights[i]];
    energy += (form[3 * i] * x * x + 2 * form[3 * i + 1] * x * y + form[3 * i + 2] * y * y) / 2;
    energy -= slope[2 * i] * x + slope[2 * i + 1] * y;
  }
  return energy;
}

/** Minus the energy's gradient at the flat field. */
function gradientTerm({ size, slope }: HeightFieldProblem): Float64Array {
  const out = new Float64Array(size * size);
  for (let y = 0; y < size - 1; y++) {
    for (let x = 0; x < size - 1; x++) {
      const i = y * size + x;
      out[i + 1] += slope[2 * i];
      out[i + size] += slope[2 * i + 1];
      out[i] -= slope[2 * i] + slope[2 * i + 1];
    }
  }
  return out;
}

function diagonalOf({ size, form, ridge }: HeightFieldProblem): Float64Array {
  const out = Float64Array.from(ridge);
  for (let y = 0; y < size - 1; y++) {
    for (let x = 0; x < size - 1; x++) {
      const i = y * size + x;
      out[i + 1] += form[3 * i];
      out[i + size] += form[3 * i + 2];
      out[i] += form[3 * i] + 2 * form[3 * i + 1] + form[3 * i + 2];
    }
  }
  return out;
}

/** The energy's Hessian times heights. */
function applyForm({ size, form, ridge }: HeightFieldProblem, heights: Float64Array, out: Float64Array): void {
  for (let i = 0; i < size * size; i++) out[i] = ridge[i] * heights[i];
  for (let y = 0; y < size - 1; y++) {
    for (let x = 0; x < size - 1; x++) {
      const i = y * size + x;
      const dx = heights[i + 1] - heights[i];
      const dy = heights[i + size] - heights[i];
      const px = form[3 * i] * dx + form[3 * i + 1] * dy;
      const py = form[3 * i + 1] * dx + form[3 * i + 2] * dy;
      out[i + 1] += px;
      out[i + size] += py;
      out[i] -= px + py;
    }
  }
}
