export { boxField, type Field, lumpyField, sphereField, torusField } from './fields.js';
export { type Mesh, type MeshReport, reportMesh, tetrahedron } from './meshes.js';
export { createRandom, type Random } from './random.js';
export { type Numbers, type Tolerance, toBeCloseToTensor } from './to-be-close-to-tensor.js';
