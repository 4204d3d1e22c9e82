export {
  AVATAR_RENDERER_DEFAULTS,
  type AvatarRenderer,
  type AvatarRendererOptions,
  createAvatarRenderer,
  FACE_GLOSS,
} from './avatar-renderer.js';
export { CLIP_RANGE_DEFAULTS, type ClipRange, computeClipFromCamera, type Intrinsics } from './camera.js';
export type { RendererErrorCode } from './errors.js';
export { computeDominantLight, computeHighlight, computeShading, rotateLighting, type Vec3 } from './lighting.js';
export {
  createOrbitControls,
  ORBIT_CONTROLS_DEFAULTS,
  type OrbitControls,
  type OrbitControlsOptions,
} from './orbit-controls.js';
export type { Gloss, PartImage, PartMesh, RenderOptions } from './types.js';
