import { library } from '../../tsup.preset.js';

export default library({ entry: ['src/evaluate-model.ts', 'src/evaluate-photos.ts'], dts: false });
