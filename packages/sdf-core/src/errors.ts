export { FaceError, isFaceError } from '@implicit-faces/runtime';

/**
 * What this package's errors are about: `CODES` for codes of another model or with numbers that are not finite; `SHAPE` for arrays of
 * the wrong length; `RANGE` for an option or number out of its range. Loading adds the codes of `@implicit-faces/runtime`.
 */
export type SdfCoreErrorCode = 'CODES' | 'SHAPE' | 'RANGE';
