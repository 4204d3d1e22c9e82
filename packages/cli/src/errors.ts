import { FaceError, isFaceError } from '@implicit-faces/runtime';

export { FaceError, isFaceError };

/**
 * What the command line's own errors are about: `USAGE` for arguments that make no sense, `OUTPUT` for files that cannot be written,
 * `MODEL` for a model that is not there or not whole, `INPUT` for a file that cannot be read.
 */
export type CliErrorCode = 'USAGE' | 'OUTPUT' | 'MODEL' | 'INPUT';

/** What the caller can mend: their message is all that is said, without a stack. */
const CALLERS_FAULTS = new Set<string>([
  ...(['USAGE', 'OUTPUT', 'MODEL', 'INPUT'] satisfies CliErrorCode[]),
  ...['NO_FACE', 'FACE_INDEX', 'IMAGE_FILE', 'IMAGE_FORMAT', 'IMAGE_SIZE', 'TURNED_AWAY', 'NOT_FINITE'],
  ...['AVATAR_FILE', 'MODEL_MISMATCH'],
]);

/** Whether the arguments, files or folders that were passed are at fault, and not this program. */
export function isCallersFault(error: unknown): error is FaceError {
  return isFaceError(error) && CALLERS_FAULTS.has(error.code);
}

/** The message in one line, without the name of the function that threw it. */
export function oneLine(message: string): string {
  return message
    .replace(/^(?:error|[a-z]\w+): /, '')
    .replace(/\s+/g, ' ')
    .trim();
}
