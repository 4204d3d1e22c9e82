/** Anything with numbers in a row: a typed array or a plain one. */
export type Numbers = ArrayLike<number>;

/** How far two numbers may be apart: `absolute + relative * |expected|`. */
export interface Tolerance {
  absolute?: number;
  relative?: number;
}

/**
 * Compares two tensors number by number. On failure it shows the largest difference, where it is, and both tensors' first values.
 *
 * @param tolerance - the allowed difference: a number (absolute), or absolute and relative parts.
 * @example expect(await model.evaluate(points, codes)).toBeCloseToTensor(expected, 1e-5);
 */
export function toBeCloseToTensor(
  received: Numbers,
  expected: Numbers,
  tolerance: number | Tolerance,
): { pass: boolean; message: () => string } {
  const { absolute = 0, relative = 0 } = typeof tolerance === 'number' ? { absolute: tolerance } : tolerance;
  if (received.length !== expected.length) {
    return { pass: false, message: () => `expected ${expected.length} numbers, received ${received.length}` };
  }
  let worst = -1;
  let worstExcess = Number.NEGATIVE_INFINITY;
  let pass = true;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(received[i] - expected[i]);
    const excess = difference - absolute - relative * Math.abs(expected[i]);
    // Written so that NaN fails.
    if (!(excess <= 0) && received[i] !== expected[i]) pass = false;
    if (excess > worstExcess || Number.isNaN(excess)) {
      worst = i;
      worstExcess = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
    }
  }
  const first = (values: Numbers) => Array.from(values).slice(0, 8).join(', ');
  const where =
    worst < 0 ? '' : `largest difference at ${worst}: expected ${expected[worst]}, received ${received[worst]}\n`;
  return {
    pass,
    message: () => `${where}expected: ${first(expected)}\nreceived: ${first(received)}`,
  };
}

declare module 'vitest' {
  interface Matchers<T> {
    /** Compares tensors number by number, see `toBeCloseToTensor` in test-utils. */
    toBeCloseToTensor(expected: Numbers, tolerance: number | Tolerance): T;
  }
}
