import { library } from '../../tsup.preset.js';

export default library({
  entry: { index: 'src/index.ts', 'three/index': 'src/three/index.ts', 'webgpu/index': 'src/webgpu/index.ts' },
});
