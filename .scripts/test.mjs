// `npm test [-- VITEST ARGUMENTS]`: installs, builds, runs every test in Node and in Chromium, and checks what would be published.
// With a filter, such as `npm test -- packages/runtime`, only those tests.
import { installAndBuild, must, run } from './workspace.mjs';

const args = process.argv.slice(2);
const isFiltered = args.some((arg) => !arg.startsWith('-'));

installAndBuild();
const testCode = run('node_modules/.bin/vitest', ['run', ...args]);
// Both run, so that one failure does not hide the other.
if (!isFiltered) must(run(process.execPath, ['.scripts/check-packages.mjs']));
process.exitCode = testCode;
