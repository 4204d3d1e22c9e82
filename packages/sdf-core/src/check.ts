import { FaceError } from './errors.js';

/** Throws `SHAPE` unless `values` is a Float32Array of whole rows of `size` numbers. */
export function checkRows(who: string, name: string, values: Float32Array, size: number): void {
  if (!(values instanceof Float32Array)) {
    throw new FaceError(
      'SHAPE',
      `${who}: ${name} should be a Float32Array; received ${typeof values}. Convert it first.`,
    );
  }
  if (values.length % size !== 0) {
    throw new FaceError(
      'SHAPE',
      `${who}: ${name} should be [N, ${size}]; received ${values.length} numbers. Pass whole rows.`,
    );
  }
}

/** Throws `SHAPE` unless `values` is a Float32Array of exactly `length` numbers. */
export function checkLength(who: string, name: string, values: Float32Array, length: number): void {
  if (!(values instanceof Float32Array) || values.length !== length) {
    const received = values instanceof Float32Array ? `${values.length} numbers` : typeof values;
    throw new FaceError(
      'SHAPE',
      `${who}: ${name} should be a Float32Array of ${length} numbers; received ${received}.`,
    );
  }
}

/** Throws `RANGE` when a number is NaN or infinite: a network would answer with NaN everywhere, far from the cause. */
export function checkFinite(who: string, name: string, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new FaceError(
        'RANGE',
        `${who}: ${name} should be finite; received ${values[i]} at ${i}. Drop or repair it first.`,
      );
    }
  }
}
