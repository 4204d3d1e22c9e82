// `node .scripts/run.mjs PACKAGE COMMAND ARGS`: runs a command (an entry of the package's "bin") of a built package in this very
// process, so that no package manager's words or exit codes get between. Relative paths are the caller's.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './workspace.mjs';

const [name, command, ...args] = process.argv.slice(2);
const folder = join(ROOT, 'packages', name);
const manifest = join(folder, 'package.json');
const bin = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).bin?.[command] : undefined;
const file = bin ? join(folder, bin) : '';

if (existsSync(file)) {
  if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
} else {
  console.error(`${command}: the project is not built yet. Run "npm run build" first.`);
  process.exitCode = 2;
}
