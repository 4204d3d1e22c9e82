const MARK = Symbol.for('implicit-faces.error');

/** What an error is about; packages add codes of their own. */
export type RuntimeErrorCode = 'SHAPE' | 'MANIFEST' | 'FILE_READ' | 'FILE_SIZE' | 'FILE_HASH' | 'TENSORS' | 'NETWORK';

/** An error whose `code` says what kind it is. The message says who, what was expected, what came and what to do. */
export class FaceError<Code extends string = string> extends Error {
  override readonly name = 'FaceError';
  readonly code: Code;
  readonly [MARK] = true;

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a FaceError (with that code, if given), also one from another copy of this package. */
export function isFaceError<Code extends string>(error: unknown, code?: Code): error is FaceError<Code> {
  const marked = error instanceof Error && MARK in error;
  return marked && (code === undefined || (error as FaceError).code === code);
}
