import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Manifest, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';

const FOLDER = fileURLToPath(new URL('../../test-utils/fixtures/tiny-face-model', import.meta.url));

/** The tiny face model of test-utils, see tiny_face_model.py. */
export const tinyFiles = directoryFiles(FOLDER);

export async function readTinyManifest(): Promise<Manifest> {
  return parseManifest(JSON.parse(await readFile(`${FOLDER}/manifest.json`, 'utf8')));
}
