export { FaceError, isFaceError } from '@implicit-faces/runtime';

/**
 * What this package's errors are about: `SHAPE` for arrays of the wrong length; `RANGE` for numbers or options that make no sense; `CODES`
 * for codes of another model. Loading adds the codes of `@implicit-faces/runtime`.
 */
export type UvParamErrorCode = 'SHAPE' | 'RANGE' | 'CODES';
