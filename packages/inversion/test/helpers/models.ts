import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type FaceModel, loadFaceModel } from '@implicit-faces/avatar';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import * as ort from 'onnxruntime-node';

const packages = new URL('../../../', import.meta.url);

async function loadModel(folder: URL): Promise<FaceModel> {
  const manifest = parseManifest(JSON.parse(await readFile(new URL('manifest.json', folder), 'utf8')));
  return loadFaceModel({ ort, files: directoryFiles(folder), manifest, threads: 1 });
}

/** The tiny face model of test-utils: balls that move as a whole. */
export function loadTinyModel(): Promise<FaceModel> {
  return loadModel(new URL('test-utils/fixtures/tiny-face-model/', packages));
}

const shipped = new URL('face-model/', packages);

/** Whether the networks are there; says so loudly when they are not. */
export const hasShippedModel = existsSync(new URL('manifest.json', shipped));
if (!hasShippedModel) {
  console.warn(`\n!! ${fileURLToPath(shipped)} has no manifest: NO FACE OF THE SHIPPED MODEL IS INVERTED.\n`);
}

export function loadShippedModel(): Promise<FaceModel> {
  return loadModel(shipped);
}
