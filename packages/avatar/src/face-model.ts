import type { Manifest } from '@implicit-faces/runtime';
import { loadSdfModel, type SdfModel } from '@implicit-faces/sdf-core';
import { type LoadUvModelOptions, loadUvModel, type UvModel } from '@implicit-faces/uv-param';

/** A whole face model: everything that turns codes into a face. */
export interface FaceModel {
  readonly manifest: Manifest;
  readonly sdf: SdfModel;
  readonly uv: UvModel;

  /** Frees the networks. The model cannot be used any more. */
  dispose(): Promise<void>;
}

/**
 * Loads all networks of a face model and its topology.
 *
 * @throws FaceError as `loadSdfModel` and `loadUvModel` do, naming the file that is missing or does not match the manifest.
 * @example const model = await loadFaceModel({ ort, files: directoryFiles(folder), manifest });
 */
export async function loadFaceModel(options: LoadUvModelOptions): Promise<FaceModel> {
  const sdf = await loadSdfModel(options);
  const uv = await loadUvModel(options).catch(async (error) => {
    await sdf.dispose();
    throw error;
  });
  return {
    manifest: options.manifest,
    sdf,
    uv,
    async dispose() {
      await Promise.all([sdf.dispose(), uv.dispose()]);
    },
  };
}
