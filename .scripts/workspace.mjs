import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const { packageManager } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));

const ENVIRONMENT = {
  // Its CPU library is in the npm tarball; the install script would download GPU ones.
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  npm_config_update_notifier: 'false',
};

/**
 * Runs a command in the root folder with its output shown.
 *
 * @returns its exit code; 1 when it could not be started or was killed.
 */
export function run(command, args, env = {}) {
  const shell = process.platform === 'win32';
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell,
    env: { ...process.env, ...ENVIRONMENT, ...env },
  });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs the pinned pnpm, which npx fetches on first use, so that nobody has to install it. */
export function pnpm(...args) {
  return run('npx', ['-y', packageManager, ...args]);
}

/** Stops the script with the code of the first step that fails. */
export function must(code) {
  if (code !== 0) process.exit(code);
}

/** Installs the locked dependencies and builds every package; both are quick when nothing changed. */
export function installAndBuild() {
  must(pnpm('install', '--frozen-lockfile', '--config.confirm-modules-purge=false'));
  must(pnpm('exec', 'turbo', 'run', 'build', '--concurrency=2', '--output-logs=errors-only'));
}
