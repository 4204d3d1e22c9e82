import type { Manifest } from '@implicit-faces/runtime';
import { loadSdfModel, type SdfModel } from '@implicit-faces/sdf-core';
import { type LoadUvModelOptions, loadUvModel, type UvModel } from '@implicit-faces/uv-param';
import { type Encoder, loadEncoder } from './encoder.js';

/** A whole face model: everything that turns codes into a face. */
export interface FaceModel {
  readonly manifest: Manifest;
  readonly sdf: SdfModel;
  readonly uv: UvModel;
  /** Guesses codes from a picture; models may do without. */
  readonly encoder?: Encoder;

  /** Frees the networks. The model cannot be used any more. */
  dispose(): Promise<void>;
}

/**
 * Loads all networks of a face model and its topology.
 *
 * @throws FaceError as `loadSdfModel`, `loadUvModel` and `loadEncoder` do, naming the file that is missing or does not match the manifest.
 * @example const model = await loadFaceModel({ ort, files: directoryFiles(folder), manifest });
 */
export async function loadFaceModel(options: LoadUvModelOptions): Promise<FaceModel> {
  const loaded: { dispose(): Promise<void> }[] = [];
  const dispose = async () => {
    await Promise.all(loaded.map((part) => part.dispose()));
  };
  const keep = <T extends { dispose(): Promise<void> }>(part: T): T => {
    loaded.push(part);
    return part;
  };
  try {
    const sdf = keep(await loadSdfModel(options));
    const uv = keep(await loadUvModel(options));
    const encoder = await loadEncoder(options);
    return { manifest: options.manifest, sdf, uv, encoder: encoder && keep(encoder), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
