// `npm test [-- VITEST ARGUMENTS]`: installs, builds, and runs every test in Node and in Chromium.
import { installAndBuild, run } from './workspace.mjs';

installAndBuild();
process.exitCode = run('node_modules/.bin/vitest', ['run', ...process.argv.slice(2)]);
