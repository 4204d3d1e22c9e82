import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../../shared/data/photos', import.meta.url));

/** Folder of the 14 portraits, which are not part of the repository; undefined, with a loud word, when they are not there. */
export const SHARED_PHOTOS = existsSync(folder) ? folder : undefined;
if (!SHARED_PHOTOS) {
  console.warn(`\n${'!'.repeat(100)}\n!! ${folder} is absent, so ITS TESTS ARE SKIPPED.\n${'!'.repeat(100)}\n`);
}
