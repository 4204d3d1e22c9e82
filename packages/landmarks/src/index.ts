export { type CropFaceOptions, cropFace, type FaceCrop } from './crop-face.js';
export { FaceError, isFaceError, type LandmarksErrorCode } from './errors.js';
export {
  FACE_OVAL,
  IBUG68_FROM_468,
  LANDMARK_COUNT,
  LEFT_BROW,
  LEFT_EYE,
  LEFT_EYE_OUTER,
  LIPS_INNER,
  LIPS_OUTER,
  NOSE_BRIDGE,
  RIGHT_BROW,
  RIGHT_EYE,
  RIGHT_EYE_OUTER,
} from './landmark-sets.js';
export {
  DETECT_DEFAULTS,
  type DetectOptions,
  type Landmarker,
  type LoadLandmarkerOptions,
  loadLandmarker,
  type MaskOptions,
  type TrackedFace,
} from './landmarker.js';
export type { Box, FaceLandmarks, Image, PersonMask } from './types.js';
