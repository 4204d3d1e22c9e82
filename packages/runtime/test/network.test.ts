import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Files, loadNetwork, type Manifest, type Network } from '../src/index.js';
import { forgedFiles, toyBytes, toyExpected, toyFiles, toyManifest } from './toy.js';

const load = (manifest: Manifest = toyManifest(), files = toyFiles) =>
  loadNetwork({ ort, files, manifest, name: 'toy', threads: 1 });
const change = (edit: (json: Manifest) => void) => load(toyManifest(edit));
const { points, geometry, distance, gradGeometry } = toyExpected();

let network: Network;
beforeAll(async () => {
  network = await load();
});
afterAll(() => network.dispose());

describe('run', () => {
  it('answers as numpy does', async () => {
    const outputs = await network.run({ points, geometry });
    expect(outputs.distance.dims).toEqual([100]);
    expect(outputs.gradGeometry.dims).toEqual([2]);
    expect(outputs.distance.data).toBeCloseToTensor(distance.data, 1e-6);
    expect(outputs.gradGeometry.data).toBeCloseToTensor(gradGeometry.data, 1e-5);
  });

  it('answers the same with weights in a file of their own, which is read once', async () => {
    const reads: string[] = [];
    const files: Files = {
      read: (path, options) => {
        reads.push(path);
        return toyFiles.read(path, options);
      },
    };
    const manifest = toyManifest();
    const twins = await Promise.all(
      [1, 2].map(() => loadNetwork({ ort, files, manifest, name: 'toyShared', threads: 1 })),
    );
    for (const twin of twins) {
      const outputs = await twin.run({ points, geometry });
      expect(outputs.distance.data).toBeCloseToTensor(distance.data, 1e-6);
      await twin.dispose();
    }
    expect(reads.filter((path) => path === 'toy.packed')).toHaveLength(1);
  });

  it('reads shared weights anew after a read that failed', async () => {
    let fails = true;
    const files: Files = {
      read: (path, options) =>
        fails && path === 'toy.packed' ? Promise.reject(new Error('offline')) : toyFiles.read(path, options),
    };
    const again = () => loadNetwork({ ort, files, manifest: toyManifest(), name: 'toyShared', threads: 1 });
    await expect(again()).rejects.toThrow('offline');
    fails = false;
    await (await again()).dispose();
  });

  it.each([
    ['a missing input', { points }, 'geometry should be [2] float32; received nothing'],
    ['an unknown input', { points, geometry, colour: geometry }, 'no input colour'],
    [
      'another rank',
      { points: { data: points.data, dims: [300] }, geometry },
      'points should be [N,3] float32; received [300]',
    ],
    ['another axis', { points: { data: points.data, dims: [150, 2] }, geometry }, 'received [150,2]'],
    [
      'too few numbers',
      { points: { data: points.data, dims: [101, 3] }, geometry },
      'received 300 numbers for [101,3]',
    ],
    ['other numbers', { points: { data: new Float64Array(3) as never, dims: [1, 3] }, geometry }, 'Float32Array'],
  ])('refuses %s', async (_, feeds, message) => {
    await expect(network.run(feeds)).rejects.toMatchObject({
      code: 'SHAPE',
      message: expect.stringContaining(message),
    });
  });
});

describe('runBatched', () => {
  it.each([1, 7, 99, 100, 16384])('gives what one run gives, in batches of %i', async (batchSize) => {
    const whole = await network.run({ points, geometry });
    const shares: number[] = [];
    const batched = await network.runBatched(
      { points, geometry },
      { batchSize, onProgress: (share) => shares.push(share) },
    );
    expect(batched.distance.dims).toEqual([100]);
    expect(batched.distance.data).toBeCloseToTensor(whole.distance.data, 1e-6);
    expect(batched.gradGeometry.data).toBeCloseToTensor(whole.gradGeometry.data, 1e-5);
    expect(shares).toHaveLength(Math.ceil(100 / batchSize));
    expect(shares.at(-1)).toBe(1);
  });

  it('splits more points than one batch holds, seed 3', async () => {
    const many = { data: createRandom(3).uniforms(3 * 40_000, -1, 1), dims: [40_000, 3] };
    let batches = 0;
    const { distance } = await network.runBatched({ points: many, geometry }, { onProgress: () => batches++ });
    const whole = await network.run({ points: many, geometry });
    expect(batches).toBe(5);
    expect(distance.data).toBeCloseToTensor(whole.distance.data, 1e-6);
  });

  it('takes no points at all', async () => {
    const { distance, gradGeometry } = await network.runBatched({
      points: { data: new Float32Array(0), dims: [0, 3] },
      geometry,
    });
    expect(distance).toEqual({ data: new Float32Array(0), dims: [0] });
    expect(gradGeometry).toEqual({ data: new Float32Array(2), dims: [2] });
  });

  it('stops when told to', async () => {
    const controller = new AbortController();
    const running = network.runBatched(
      { points, geometry },
      { batchSize: 10, signal: controller.signal, onProgress: () => controller.abort() },
    );
    await expect(running).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it('refuses a network without the axis N', async () => {
    const fixed = await change((json) => {
      json.networks.toy.inputs.points.dims = ['M', 3];
      json.networks.toy.outputs.distance.dims = ['M'];
    });
    await expect(fixed.runBatched({ points, geometry })).rejects.toMatchObject({ code: 'SHAPE' });
    await fixed.dispose();
  });
});

describe('loadNetwork refuses', () => {
  it.each<[string, () => Promise<unknown>, string, string]>([
    [
      'an unknown network',
      () => loadNetwork({ ort, files: toyFiles, manifest: toyManifest(), name: 'nose' }),
      'MANIFEST',
      'no network nose. It has toy',
    ],
    ['a file of another size', () => change((json) => json.files.toy.bytes++), 'FILE_SIZE', 'toy.onnx'],
    [
      'a file with another hash',
      () => change((json) => (json.files.toy.sha256 = '0'.repeat(64))),
      'FILE_HASH',
      'toy.onnx',
    ],
    [
      'shared weights with another hash',
      () =>
        loadNetwork({
          ort,
          files: toyFiles,
          manifest: toyManifest((json) => (json.files.weights.sha256 = '0'.repeat(64))),
          name: 'toyShared',
        }),
      'FILE_HASH',
      'toy.packed',
    ],
    ['a file that is not there', () => change((json) => (json.files.toy.path = 'gone.onnx')), 'FILE_READ', 'gone.onnx'],
    [
      'other inputs',
      () => change((json) => (json.networks.toy.inputs = {})),
      'SHAPE',
      'toy.onnx should have the inputs',
    ],
    [
      'other outputs',
      () => change((json) => (json.networks.toy.outputs.colour = { dims: [3], dtype: 'float32' })),
      'SHAPE',
      'colour',
    ],
    [
      'other axes',
      () => change((json) => (json.networks.toy.inputs.points.dims = ['N', 4])),
      'SHAPE',
      'points should be float32 [N,4]; it is float32 [N,3]',
    ],
    ['another rank', () => change((json) => (json.networks.toy.inputs.geometry.dims = [1, 2])), 'SHAPE', 'geometry'],
  ])('%s', async (_, loading, code, message) => {
    await expect(loading()).rejects.toMatchObject({
      name: 'FaceError',
      code,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['truncated', toyBytes('toy.onnx').slice(0, 300)],
    ['empty', new Uint8Array(0)],
    ['not a graph', new TextEncoder().encode('<!doctype html>')],
  ])('bytes that are %s', async (_, bytes) => {
    const { files, manifest } = forgedFiles(bytes);
    await expect(load(manifest, files)).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('toy.onnx'),
    });
  });

  it('to go on when it was aborted', async () => {
    const loading = loadNetwork({
      ort,
      files: toyFiles,
      manifest: toyManifest(),
      name: 'toy',
      signal: AbortSignal.abort(),
    });
    await expect(loading).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});
