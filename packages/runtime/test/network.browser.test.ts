import { ortForBrowserTests } from '@implicit-faces/test-utils/ort-web';
import { expect, it } from 'vitest';
import { loadNetwork, loadTensors, parseManifest, parseSafetensors, urlFiles } from '../src/index.js';

const ort = ortForBrowserTests();
const files = urlFiles(new URL('../../test-utils/fixtures', import.meta.url));
const readManifest = async () => parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));

it('answers as numpy does, with WebAssembly and several runs at once', async () => {
  const manifest = await readManifest();
  const { points, geometry, distance, gradGeometry } = parseSafetensors(await files.read('toy-expected.safetensors'))
    .tensors as Record<string, { data: Float32Array; dims: number[] }>;
  // The second has its weights in a file of their own.
  const networks = await Promise.all(['toy', 'toyShared'].map((name) => loadNetwork({ ort, files, manifest, name })));
  const runs = await Promise.all(
    networks.flatMap((network) => [1, 2].map(() => network.runBatched({ points, geometry }, { batchSize: 40 }))),
  );
  expect(runs).toHaveLength(4);
  for (const outputs of runs) {
    expect(outputs.distance.data).toBeCloseToTensor(distance.data, 1e-5);
    expect(outputs.gradGeometry.data).toBeCloseToTensor(gradGeometry.data, 1e-4);
  }
  await Promise.all(networks.map((network) => network.dispose()));
});

it('checks files here too', async () => {
  const manifest = await readManifest();
  expect(Object.keys(await loadTensors(files, manifest, 'topology')).sort()).toEqual(['empty', 'mask', 'triangles']);
  manifest.files.toy.sha256 = '0'.repeat(64);
  await expect(loadNetwork({ ort, files, manifest, name: 'toy' })).rejects.toMatchObject({ code: 'FILE_HASH' });
  manifest.networks.toy.file = 'topology';
  await expect(loadNetwork({ ort, files, manifest, name: 'toy' })).rejects.toMatchObject({ code: 'NETWORK' });
});

it('names the address that does not answer', async () => {
  await expect(urlFiles('http://localhost:9/').read('gone.onnx')).rejects.toMatchObject({
    code: 'FILE_READ',
    message: expect.stringContaining('http://localhost:9/gone.onnx'),
  });
});
