const MARK = Symbol.for('implicit-faces.error');

/** `SHAPE`: sizes that do not fit. `OPTIONS`: an option out of range. `NOT_FINITE`: a distance that is NaN or infinite. */
export type MarchingCubesErrorCode = 'SHAPE' | 'OPTIONS' | 'NOT_FINITE';

/** An error with a code; `isFaceError` of the other packages knows it too. */
export class FaceError extends Error {
  override readonly name = 'FaceError';
  readonly code: MarchingCubesErrorCode;
  readonly [MARK] = true;

  constructor(code: MarchingCubesErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether `error` is a FaceError (with that code, if given), also one from another package. */
export function isFaceError(error: unknown, code?: MarchingCubesErrorCode): error is FaceError {
  return error instanceof Error && MARK in error && (code === undefined || (error as FaceError).code === code);
}
