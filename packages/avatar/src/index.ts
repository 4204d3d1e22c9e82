export type { ExpressionTrack, Weights } from './animation.js';
export { type ArkitRig, computeArkitRig, type MorphTarget, type RiggedMesh } from './arkit-rig.js';
export { type AvatarModel, loadAvatar, saveAvatar } from './avatar-file.js';
export { type AvatarMeshesOptions, avatarMeshes, partImage } from './avatar-meshes.js';
export { solveBoundedLeastSquares } from './bounded-least-squares.js';
export { cropCamera, projectPoints, VIEW_CAMERA_DEFAULTS, type ViewCameraOptions, viewCamera } from './camera.js';
export {
  type AnsweredFace,
  ENCODER_MARGIN,
  type EncodedFace,
  type Encoder,
  type EncoderInput,
  type LoadEncoderOptions,
  loadEncoder,
} from './encoder.js';
export { type AvatarErrorCode, FaceError, isFaceError } from './errors.js';
export { type EncodePng, type ExportGlbOptions, exportGlb } from './export-glb.js';
export { exportObj, type ObjExport } from './export-obj.js';
export { type FaceModel, loadFaceModel } from './face-model.js';
export { FIELD_MESH_DEFAULTS, type FieldMeshOptions, fieldMesh } from './field-mesh.js';
export { computePsnrDb, computeSsim } from './image-quality.js';
export {
  clayShading,
  type Shading,
  sphericalHarmonics,
  sphericalHarmonicsShading,
  type VertexLight,
} from './lighting.js';
export { computeNormals } from './mesh-normals.js';
export { alignTangent, computeTangents } from './mesh-tangents.js';
export { buildWall, standOnFloor, type Wall } from './neck-wall.js';
export { bendNormal, decodeNormalMap, encodeNormalMap } from './normal-map.js';
export { createMipmaps, type Mipmaps, sampleMipmaps } from './raster/mipmaps.js';
export { computeOcclusion, hiddenLight, OCCLUSION_DEFAULTS, type OcclusionOptions } from './raster/occlusion.js';
export { createRaster, RASTERIZE_DEFAULTS, type Raster, type RasterizeOptions, rasterize } from './raster/rasterize.js';
export { RENDER_DEFAULTS, type Rendering, type RenderOptions, renderAvatar } from './raster/render.js';
export { computeTexelDensities, type Material, shade } from './raster/shade.js';
export { isVisible, VISIBILITY_DEFAULTS, type VisibilityOptions, visiblePoints } from './raster/visibility.js';
export { type SampledCodes, sampleCodes } from './sample-codes.js';
export { SHADED_ALBEDO_DEFAULTS, type ShadedAlbedoOptions, shadedAlbedo } from './shaded-albedo.js';
export { addTuning, avatarSurface } from './tuning.js';
export type { Avatar, Camera, Lighting, PartMesh, RgbaImage, ShadeMap, TriangleMesh } from './types.js';
