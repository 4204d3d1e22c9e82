import { library } from '../../tsup.preset.js';

export default library({ entry: ['src/main.ts'], dts: false });
