export { FaceError, isFaceError } from '@implicit-faces/runtime';

/**
 * What this package's errors are about: `NO_FACE`, and `FACE_INDEX` for a face beyond those found; `IMAGE` for data that are not RGBA of
 * the stated size; `IMAGE_FILE` for a file that cannot be read, `IMAGE_FORMAT` for bytes that are no whole picture, `IMAGE_SIZE` for
 * too many or too few pixels; `NOT_FINITE` for a network that answers with NaN. Loading adds the codes of `@implicit-faces/runtime`.
 */
export type LandmarksErrorCode =
  | 'NO_FACE'
  | 'FACE_INDEX'
  | 'IMAGE'
  | 'IMAGE_FILE'
  | 'IMAGE_FORMAT'
  | 'IMAGE_SIZE'
  | 'NOT_FINITE';
