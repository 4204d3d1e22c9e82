export { FaceError, isFaceError } from '@implicit-faces/runtime';

/**
 * What this package's errors are about: `AVATAR_FILE` for bytes that are no whole avatar file, `MODEL_MISMATCH` for an avatar of another
 * model, `SHAPE` for arrays that do not fit each other, `IMAGE_FORMAT` for bytes that are no picture, `ANIMATION` for a track that is none. Loading adds the codes of
 * `@implicit-faces/runtime`.
 */
export type AvatarErrorCode = 'AVATAR_FILE' | 'MODEL_MISMATCH' | 'SHAPE' | 'IMAGE_FORMAT' | 'ANIMATION';
