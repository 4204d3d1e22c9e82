// `npm run demo`: from a fresh clone to the astronaut's avatar in out/astronaut/.
import { installAndBuild, ROOT, run } from './workspace.mjs';

installAndBuild();
process.exitCode = run(
  process.execPath,
  [
    '.scripts/run.mjs',
    'cli',
    'implicit-faces',
    'invert',
    'examples/photos/astronaut.png',
    '--out',
    'out/astronaut',
    ...process.argv.slice(2),
  ],
  { INIT_CWD: ROOT },
);
