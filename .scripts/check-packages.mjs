// `npm run check:packages`: packs every public package as it would be published, checks the tarballs with publint and attw, installs them
// all in an empty project and imports every entry point there. Any word on stderr is a failure too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installAndBuild, ROOT } from './workspace.mjs';

const failures = [];
const work = mkdtempSync(join(tmpdir(), 'check-packages-'));

/** Runs a command quietly; on failure keeps what it said. */
function check(what, command, args, { cwd = ROOT, silent = false } = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  const isFine = status === 0 && !(silent && stderr);
  console.log(`${isFine ? 'ok    ' : 'FAILED'} ${what}`);
  if (!isFine) failures.push(`${what}\n${stdout}${stderr}`);
}

/** The targets of an exports map, without the condition that only this repository knows. */
function withoutSource(exports) {
  if (typeof exports !== 'object') return exports;
  return Object.fromEntries(
    Object.entries(exports)
      .filter(([condition]) => condition !== 'source')
      .map(([condition, target]) => [condition, withoutSource(target)]),
  );
}

const packages = readdirSync(join(ROOT, 'packages'))
  .map((folder) => join(ROOT, 'packages', folder))
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
  .filter(({ manifest }) => !manifest.private);

installAndBuild();

for (const { folder, manifest } of packages) {
  const { name, exports, publishConfig } = manifest;
  const missing = ['README.md', 'LICENSE'].filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0) failures.push(`${name} has no ${missing.join(', ')}`);
  if (JSON.stringify(withoutSource(exports)) !== JSON.stringify(publishConfig?.exports)) {
    failures.push(`${name}: publishConfig.exports should be exports without "source", see CONTRIBUTING.md`);
  }
}

const tarballs = join(work, 'tarballs');
mkdirSync(tarballs);
const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name]);
check('pack', process.execPath, [
  '.scripts/pnpm.mjs',
  ...filters,
  '--recursive',
  'pack',
  '--pack-destination',
  tarballs,
]);

const tarballOf = ({ name, version }) => join(tarballs, `${name.slice(1).replace('/', '-')}-${version}.tgz`);
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
for (const { manifest } of packages) {
  const tarball = tarballOf(manifest);
  // Data files among the entry points have no types to check.
  const dataEntries = Object.keys(manifest.exports ?? {}).filter((entry) => /\*|\.\w+$/.test(entry.slice(1)));
  check(`publint ${manifest.name}`, bin('publint'), ['run', tarball, '--strict']);
  check(`attw ${manifest.name}`, bin('attw'), [
    tarball,
    '--profile',
    'esm-only',
    '--no-emoji',
    ...(dataEntries.length > 0 ? ['--exclude-entrypoints', ...dataEntries] : []),
  ]);
}

const project = join(work, 'project');
mkdirSync(project);
writeFileSync(
  join(project, 'package.json'),
  JSON.stringify({
    private: true,
    type: 'module',
    dependencies: {
      // Optional peers too: an entry point may be there for those who have one.
      ...Object.assign({}, ...packages.map(({ manifest }) => manifest.peerDependencies)),
      ...Object.fromEntries(packages.map(({ manifest }) => [manifest.name, `file:${tarballOf(manifest)}`])),
    },
  }),
);
check(
  'npm install in an empty project',
  'npm',
  ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
  {
    cwd: project,
  },
);
for (const { manifest } of packages) {
  for (const [entry, target] of Object.entries(manifest.publishConfig?.exports ?? {})) {
    const file = typeof target === 'string' ? target : target.default;
    if (!file.endsWith('.js') || entry.includes('*')) continue;
    const specifier = manifest.name + entry.slice(1);
    check(`import ${specifier}`, process.execPath, ['--input-type=module', '--eval', `await import('${specifier}')`], {
      cwd: project,
      silent: true,
    });
  }
  for (const command of Object.keys(manifest.bin ?? {})) {
    check(
      `run ${command} --help`,
      process.execPath,
      [join('node_modules', manifest.name, manifest.bin[command]), '--help'],
      {
        cwd: project,
        silent: true,
      },
    );
  }
}

rmSync(work, { recursive: true, force: true });
for (const failure of failures) console.error(`\nFAILED: ${failure}`);
console.log(`${packages.length} packages, ${failures.length} failures`);
process.exitCode = failures.length > 0 ? 1 : 0;
