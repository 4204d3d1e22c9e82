import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FaceModel, loadFaceModel } from '@implicit-faces/avatar';
import { modelUrl } from '@implicit-faces/face-model';
import { type Landmarker, loadLandmarker } from '@implicit-faces/landmarks';
import { modelFiles } from '@implicit-faces/landmarks/node';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { type CliErrorCode, FaceError, isFaceError } from './errors.js';

/** Two threads per run are the most that pays for networks of this size, and leave a laptop usable. */
const THREADS = 2;

/** The module `onnxruntime-node`, loaded on first use because that takes a while. */
export async function loadOrt(): Promise<typeof import('onnxruntime-node')> {
  const ort = await import('onnxruntime-node');
  // What it warns of (no graphics card found, say) is nothing that our users could act on.
  ort.env.logLevel = 'error';
  return ort;
}

/**
 * Loads the face model.
 *
 * @param folder - that holds its manifest.json; the shipped model's when absent.
 * @throws FaceError `MODEL`, naming the file that is missing or is not what its manifest says.
 */
export async function loadModel(
  folder = fileURLToPath(modelUrl),
  options: { signal?: AbortSignal } = {},
): Promise<FaceModel> {
  return asModelError(async () => {
    const manifest = parseManifest(await readManifest(join(folder, 'manifest.json')));
    const ort = await loadOrt();
    return loadFaceModel({ ort, files: directoryFiles(folder), manifest, threads: THREADS, ...options });
  });
}

/**
 * Loads the landmark networks.
 *
 * @throws FaceError `MODEL` as `loadModel` does.
 */
export async function loadLandmarks(options: { signal?: AbortSignal } = {}): Promise<Landmarker> {
  return asModelError(async () => loadLandmarker({ ort: await loadOrt(), files: modelFiles(), ...options }));
}

async function readManifest(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new FaceError<CliErrorCode>('MODEL', `${path} cannot be read as JSON. Is a model in that folder?`, { cause });
  }
}

async function asModelError<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw isFaceError(cause) ? new FaceError<CliErrorCode>('MODEL', cause.message, { cause }) : cause;
  }
}
