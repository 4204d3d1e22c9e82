export {
  type BakeAlbedoOptions,
  bakeAlbedo,
  enlargeRegion,
  enlargeTexture,
  type LinearTexture,
  texelCentres,
} from './bake-albedo.js';
export {
  decodeSrgb,
  encodeSrgb,
  LINEAR_FROM_SRGB_BYTE,
  linearFromSrgb,
  srgbByteFromLinear,
  srgbFromLinear,
} from './colour-space.js';
export { type CycleErrors, computeCycleErrors } from './cycle.js';
export { FaceError, isFaceError, type UvParamErrorCode } from './errors.js';
export { pullPush } from './pull-push.js';
export { softened } from './soften.js';
export { surfaceLandmarks } from './surface-landmarks.js';
export {
  type ChartMap,
  loadTopology,
  type PartTopology,
  REGIONS,
  resampleChartMap,
  type SkinTopology,
  sampleChartMap,
  type TexturePrior,
  type Topology,
} from './topology.js';
export {
  type AlbedoVjp,
  type DensityBasis,
  type LoadUvModelOptions,
  loadUvModel,
  type SurfaceJacobian,
  type SurfaceUv,
  type SurfaceVjp,
  type UvModel,
} from './uv-model.js';
