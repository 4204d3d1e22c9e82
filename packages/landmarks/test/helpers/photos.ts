import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** NASA portrait, 512x512, the face 94 pixels wide. */
export const ASTRONAUT = fromRoot('examples/photos/astronaut.png');

const sharedPhotos = fromRoot('../shared/data/photos');

/** Folder of the 14 portraits, which are not part of the repository; undefined, with a loud word, when they are not there. */
export const SHARED_PHOTOS = existsSync(sharedPhotos) ? sharedPhotos : undefined;
if (!SHARED_PHOTOS) {
  console.warn(`\n${'!'.repeat(100)}\n!! ${sharedPhotos} is absent, so ITS TESTS ARE SKIPPED.\n${'!'.repeat(100)}\n`);
}
