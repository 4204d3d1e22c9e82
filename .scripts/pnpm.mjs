// `node .scripts/pnpm.mjs ARGS`: the pinned pnpm, without having to install it.
import { pnpm } from './workspace.mjs';

process.exitCode = pnpm(...process.argv.slice(2));
