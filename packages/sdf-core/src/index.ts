export { BAKE_GRID_DEFAULTS, type BakeGridOptions, bakeGrid, type Grid, gridField, sampleGrid } from './bake-grid.js';
export { FaceError, isFaceError, type SdfCoreErrorCode } from './errors.js';
export { type Box, type Field, modelField, pointwiseField } from './field.js';
export {
  type CodeSizes,
  type Codes,
  checkCode,
  checkCodes,
  createCodes,
  createExpression,
  expressionFromArkit,
  loadRig,
  mixCodes,
  type Rig,
} from './latent-codes.js';
export { opSmoothUnion, opSubtraction, opUnion, sdBox, sdCapsule, sdSphere, type Vec3 } from './primitives.js';
export {
  type Deformed,
  type EyeShape,
  loadSdfLayers,
  MOUTH_PARTS,
  type SdfLayers,
  SHEETS,
} from './sdf-layers.js';
export {
  type DistanceGradient,
  type LoadSdfModelOptions,
  loadSdfModel,
  type PartDistances,
  type SdfModel,
  type SdfVjp,
} from './sdf-model.js';
export {
  type Rays,
  SPHERE_TRACE_DEFAULTS,
  type SphereTraceOptions,
  type SphereTraceResult,
  sphereTrace,
} from './sphere-trace.js';
