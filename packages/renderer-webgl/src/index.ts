export type { ExpressionTrack, Weights } from '@implicit-faces/avatar';
export { blendWeights, gazeWeights, sampleTrack } from './animation.js';
export {
  AVATAR_RENDERER_DEFAULTS,
  type AvatarRenderer,
  type AvatarRendererOptions,
  createAvatarRenderer,
} from './avatar-renderer.js';
export { type BakedField, createBakedField } from './bake/baked-field.js';
export {
  BAKER_DEFAULTS,
  type Baker,
  type BakerOptions,
  type BakeSource,
  createBaker,
  type PosedBake,
  type StaticBake,
} from './bake/baker.js';
export { type BakerClient, connectBaker, type MessageEnd, serveBaker } from './bake/baker-worker.js';
export { traceBaked } from './bake/trace.js';
export {
  type BakedRenderer,
  type BakedRendererOptions,
  type BakedRenderOptions,
  createBakedRenderer,
} from './baked-renderer.js';
export { CLIP_RANGE_DEFAULTS, type ClipRange, computeClipFromCamera, type Intrinsics } from './camera.js';
export { type EnvironmentMap, projectEnvironment, projectLights, type SceneLight } from './environment.js';
export type { RendererErrorCode } from './errors.js';
export { EXACT_RENDER_DEFAULTS, type ExactRenderOptions, renderExact } from './exact-renderer.js';
export { computeDominantLight, computeShading, rotateLighting, type Vec3 } from './lighting.js';
export { type NormalMapOptions, perturbNormal } from './normal-map.js';
export {
  createOrbitControls,
  ORBIT_CONTROLS_DEFAULTS,
  type OrbitControls,
  type OrbitControlsOptions,
} from './orbit-controls.js';
export { createPaintControls, type PaintControlsOptions, type Stamp } from './paint-controls.js';
export { PART_NAMES } from './part-maps.js';
export { castRay, type MeshHit, pickMeshes } from './pick-meshes.js';
export { computeHighlight, FACE_GLOSS } from './specular.js';
export {
  computeSurfaceLight,
  createSurfaceLight,
  MAX_LIGHTS,
  type PunctualLight,
  type SurfaceLight,
} from './surface-light.js';
export {
  type Brush,
  createTexturePainter,
  type PaintLayer,
  type Region,
  TEXTURE_PAINTER_DEFAULTS,
  type TexturePainter,
  type TexturePainterOptions,
  type Uv,
} from './texture-painter.js';
export type { Gloss, PartImage, PartMesh, RenderOptions } from './types.js';
