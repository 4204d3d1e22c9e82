// `npm run build`: installs the locked dependencies and builds every package.
import { installAndBuild } from './workspace.mjs';

installAndBuild();
