/** Rows that wait before they are multiplied: with two hundred columns they stay in a processor's second cache. */
const ROWS = 96;
/** Sides of the squares of products that are summed at once, in registers. */
const BLOCK = 3;

/** Sums row^T row over rows that it is given. */
export interface Gram {
  readonly size: number;
  /** `[size, size]`, of which the upper triangle is added to. */
  readonly matrix: Float64Array;
  /** `[size rounded up to BLOCK, ROWS]`: rows that wait, each a column of this, so that a product of two parameters reads on and on. */
  readonly waiting: Float64Array;
  count: number;
}

/**
 * Sums products of rows in blocks: a row at a time reads and writes the whole matrix for each, which takes three times as long.
 *
 * @param matrix - `[size, size]`, added to in its upper triangle; complete only after `flushGram`.
 */
export function createGram(matrix: Float64Array, size: number): Gram {
  return { size, matrix, waiting: new Float64Array(Math.ceil(size / BLOCK) * BLOCK * ROWS), count: 0 };
}

/** Adds the row `p x + q y`, `[size]` each. */
export function addToGram(gram: Gram, p: number, x: ArrayLike<number>, q: number, y: ArrayLike<number>): void {
  const { size, waiting } = gram;
  for (let k = 0, at = gram.count; k < size; k++, at += ROWS) waiting[at] = p * x[k] + q * y[k];
  if (++gram.count === ROWS) flushGram(gram);
}

/** Adds what waits to the matrix. */
export function flushGram(gram: Gram): void {
  const { size, count } = gram;
  for (let i = 0; i < size; i += BLOCK) for (let j = i; j < size; j += BLOCK) addBlock(gram, i, j, count);
  gram.count = 0;
}

/** The products of three parameters with three. Their nine sums and six factors just fit the registers. */
function addBlock({ size, matrix, waiting }: Gram, i: number, j: number, count: number): void {
  let aa = 0;
  let ab = 0;
  let ac = 0;
  let ba = 0;
  let bb = 0;
  let bc = 0;
  let ca = 0;
  let cb = 0;
  let cc = 0;
  let left = i * ROWS;
  let right = j * ROWS;
  for (const end = left + count; left < end; left++, right++) {
    const a = waiting[left];
    const b = waiting[left + ROWS];
    const c = waiting[left + 2 * ROWS];
    const x = waiting[right];
    const y = waiting[right + ROWS];
    const z = waiting[right + 2 * ROWS];
    aa += a * x;
    ab += a * y;
    ac += a * z;
    ba += b * x;
    bb += b * y;
    bc += b * z;
    ca += c * x;
    cb += c * y;
    cc += c * z;
  }
  addRow(matrix, size, i, j, aa, ab, ac);
  addRow(matrix, size, i + 1, j, ba, bb, bc);
  addRow(matrix, size, i + 2, j, ca, cb, cc);
}

/** Adds three neighbours of a row, but for what is below the diagonal or beyond the matrix. */
function addRow(matrix: Float64Array, size: number, i: number, j: number, x: number, y: number, z: number): void {
  if (i >= size) return;
  const at = i * size + j;
  if (j >= i) matrix[at] += x;
  if (j + 1 >= i && j + 1 < size) matrix[at + 1] += y;
  if (j + 2 >= i && j + 2 < size) matrix[at + 2] += z;
}
