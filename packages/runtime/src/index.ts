export { FaceError, isFaceError, type RuntimeErrorCode } from './errors.js';
export { type FileEntry, type Files, readVerified, urlFiles } from './files.js';
export {
  type Manifest,
  type NetworkManifest,
  type NetworkSpec,
  parseManifest,
  parseNetworkManifest,
  type TensorSpec,
} from './manifest.js';
export {
  type Device,
  type LoadNetworkOptions,
  loadNetwork,
  type Network,
  type NetworkTensor,
  type NetworkTensors,
  type OrtRuntime,
  RUN_BATCHED_DEFAULTS,
  type RunBatchedOptions,
} from './network.js';
export { mergeOptions } from './options.js';
export { createSeededRandom } from './random.js';
export {
  loadTensors,
  parseSafetensors,
  type SafetensorsContent,
  type Tensor,
  type TensorData,
  takeTensor,
  writeSafetensors,
} from './tensors.js';
