export { FaceError, isFaceError } from '@implicit-faces/runtime';

/**
 * What this package's errors are about: `IMAGE` for arrays that are no picture, `PHOTO_COUNT` for none or too many, `TURNED_AWAY` for a face in profile, `OPTION` for options that mean nothing, `NOT_FINITE` for numbers that ran away (the
 * message names the stage), `SCAN` for scans, `MODEL_MISMATCH` for an avatar of another model. Detection adds the codes of `@implicit-faces/landmarks`, `NO_FACE` above all.
 */
export type InversionErrorCode =
  | 'IMAGE'
  | 'PHOTO_COUNT'
  | 'TURNED_AWAY'
  | 'OPTION'
  | 'NOT_FINITE'
  | 'SCAN'
  | 'MODEL_MISMATCH';
