import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BuiltManifest, buildModels, MODELS_DIRECTORY, readSource } from '../convert/build-models.js';
import { convertTflite } from '../convert/convert.js';
import { NETWORK_SOURCES } from '../convert/sources.js';
import { readTflite } from '../convert/tflite.js';
import { cropRoi, ImagePyramid } from '../src/crop.js';
import { decodeImage } from '../src/node.js';
import { runNaive } from './helpers/naive-tflite.js';
import { ASTRONAUT } from './helpers/photos.js';

const inputs = {
  noise: async (side: number) => createRandom(7).uniforms(side * side * 3),
  astronaut: async (side: number) => {
    const image = await decodeImage(ASTRONAUT);
    const head = { centerX: 226, centerY: 128, size: 160, rotation: 0 };
    return cropRoi(new ImagePyramid(image), head, side, { scale: 1 / 255, offset: 0 }, 'black');
  },
};
let manifest: BuiltManifest;
beforeAll(async () => {
  manifest = await buildModels();
});

describe.each(NETWORK_SOURCES)('$name', (source) => {
  it.each(['noise', 'astronaut'] as const)('gives what a naive TFLite interpreter gives: %s', async (kind) => {
    const graph = readTflite(await readSource(source));
    const { shape } = graph.tensors[graph.inputs[0]];
    const input = await inputs[kind](shape[1]);
    const expected = runNaive(graph, input);

    const session = await ort.InferenceSession.create(join(MODELS_DIRECTORY, manifest.files[source.name].path));
    const outputs = await session.run({ [source.inputs[0]]: new ort.Tensor('float32', input, shape) });
    source.outputs.forEach((name, i) => {
      expect(outputs[name].dims).toEqual(graph.tensors[graph.outputs[i]].shape);
      expect(outputs[name].data as Float32Array).toBeCloseToTensor(expected[i], { absolute: 1e-4, relative: 1e-4 });
    });
    await session.release();
  });

  it('states its bytes, hash and shapes in the manifest', async () => {
    const { path, bytes, sha256 } = manifest.files[source.name];
    const file = await readFile(join(MODELS_DIRECTORY, path));
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', file)).toString('hex');
    expect({ bytes: file.length, sha256: digest }).toEqual({ bytes, sha256 });
    expect(Object.keys(manifest.networks[source.name].inputs)).toEqual(source.inputs);
    expect(Object.keys(manifest.networks[source.name].outputs)).toEqual(source.outputs);
  });

  it('converts to the same bytes every time', async () => {
    const onnx = convertTflite(readTflite(await readSource(source)), source);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', onnx.slice())).toString('hex');
    expect(digest).toBe(manifest.files[source.name].sha256);
  });
});

it('refuses what is not TFLite', () => {
  expect(() => readTflite(new Uint8Array(64))).toThrow('TFL3');
});

it('refuses a package of another version', async () => {
  await expect(readSource({ ...NETWORK_SOURCES[0], version: '0.0.1' })).rejects.toThrow(
    'expected @mediapipe/face_mesh 0.0.1',
  );
});

it('refuses bytes that are not the pinned ones', async () => {
  await expect(readSource({ ...NETWORK_SOURCES[0], range: [0, 64] })).rejects.toThrow('SHA-256');
});
