export { FaceError, isFaceError, type MarchingCubesErrorCode } from './errors.js';
export { marchingCubes } from './marching-cubes.js';
export {
  SPARSE_MARCHING_CUBES_DEFAULTS,
  type SparseMarchingCubesOptions,
  sparseMarchingCubes,
} from './sparse-marching-cubes.js';
export type { Grid, IndexedMesh, Vector3 } from './types.js';
