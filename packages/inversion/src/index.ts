export { FaceError, type InversionErrorCode, isFaceError } from './errors.js';
export { invertImage, invertImages, MOST_PHOTOS } from './invert-image.js';
export { computeNme, computeProjectedNme, computeRenderNme } from './landmark-errors.js';
export type { OneEuroSettings } from './one-euro.js';
export { INVERT_IMAGE_DEFAULTS } from './options.js';
export { POSE_STEPS, PRESETS, type Preset, type PresetSettings } from './presets.js';
export {
  LEAST_POINTS,
  RECOVER_CODES_DEFAULTS,
  type RecoverCodesOptions,
  type RecoveredCodes,
  recoverCodes,
  type SurfaceScan,
} from './recover-codes.js';
export { recoverTextureCodes } from './recover-texture-codes.js';
export { alignSimilarity, applySimilarity, type Similarity } from './similarity.js';
export { type CodeStart, encodeFace } from './stages/encode.js';
export { expressionTrack, type TrackVideoOptions, trackVideo } from './track-video.js';
export {
  type ClipFrame,
  createTracker,
  type Smoothing,
  TRACKER_DEFAULTS,
  type TrackedFrame,
  type Tracker,
  type TrackerOptions,
} from './tracker.js';
export {
  type InvertedAvatar,
  type InvertedPhoto,
  type InvertImageOptions,
  type LightOrder,
  type LossWeights,
  type Photo,
  type Progress,
  STAGES,
  type Stage,
} from './types.js';
