import { FaceError, isFaceError } from './errors.js';
import type { Stage } from './types.js';

/**
 * Throws `NOT_FINITE` with the stage's name unless every number is finite. Asked wherever a stage takes something from a network or hands something on: a NaN that got past would end as a black
 * texel, a sample without weight or a step that is not made, and nobody would know.
 *
 * @param what - the numbers are, for the message.
 */
export function checkFinite(stage: Stage, what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw notFinite(stage, `${what} holds ${values[i]} at ${i} of ${values.length}`);
  }
}

/** The error of a stage that ended in numbers that are none. */
export function notFinite(stage: Stage, what: string, cause?: unknown): FaceError {
  return new FaceError(
    'NOT_FINITE',
    `invertImage: the stage ${stage} left the finite numbers: ${what}. Try another photo or face index; if that fails too, the model, the runtime or its device is at fault: load them again, on the device cpu.`,
    { cause },
  );
}

/** What goes wrong in somebody else's part of a stage, with the stage's name where numbers are none. */
export function atStage(stage: Stage, error: unknown): unknown {
  return isFaceError(error, 'NOT_FINITE') ? notFinite(stage, error.message.replace(/\.$/, ''), error) : error;
}
