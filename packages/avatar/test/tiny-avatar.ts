import { readFile } from 'node:fs/promises';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { type Avatar, avatarMeshes, type FaceModel, loadFaceModel, viewCamera } from '../src/index.js';
import { checkerImage } from './meshes.js';

const folder = new URL('../../test-utils/fixtures/tiny-face-model/', import.meta.url);

/** The tiny face model of test-utils: balls that move as a whole. */
export async function loadTinyModel(): Promise<FaceModel> {
  const manifest = parseManifest(JSON.parse(await readFile(new URL('manifest.json', folder), 'utf8')));
  return loadFaceModel({ ort, files: directoryFiles(folder), manifest, threads: 1 });
}

/** An avatar of it with a small checkered texture. */
export function tinyAvatar({ manifest: { id, codes } }: FaceModel, expressionCode: readonly number[]): Avatar {
  const random = createRandom(11);
  return {
    modelId: id,
    geometryCode: random.uniforms(codes.geometry, -1, 1),
    expressionCode: Float32Array.from(expressionCode),
    textureCode: random.uniforms(codes.texture, -1, 1),
    albedo: checkerImage(64, 8, [
      [200, 150, 120],
      [150, 90, 80],
    ]),
    camera: viewCamera(10),
    lighting: new Float32Array(27).fill(3, 0, 3),
  };
}

/** The tiny model with a neck: its ball's skin without what is below the ball's middle. */
export async function cutNeck(model: FaceModel): Promise<FaceModel> {
  const { skin } = model.uv.topology;
  const whole = (await avatarMeshes(model, tinyAvatar(model, [0, 0, 0])))[0].positions;
  const isAbove = (t: number) => [0, 1, 2].every((k) => whole[3 * skin.triangles[3 * t + k] + 1] > -1e-3);
  const triangles = skin.triangles.filter((_, i) => isAbove(Math.floor(i / 3)));
  return { ...model, uv: { ...model.uv, topology: { ...model.uv.topology, skin: { ...skin, triangles } } } };
}
