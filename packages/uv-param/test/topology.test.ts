import { createHash } from 'node:crypto';
import { type Manifest, parseSafetensors, type Tensor, writeSafetensors } from '@implicit-faces/runtime';
import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { isFaceError, loadTopology, REGIONS, resampleChartMap, sampleChartMap, texelCentres } from '../src/index.js';
import { readTinyManifest, tinyFiles } from './tiny-model.js';

const manifest = await readTinyManifest();
const topology = await loadTopology({ files: tinyFiles, manifest });

/** The tiny model with another topology file, listed rightly. */
async function changed(
  change: (tensors: Record<string, Tensor>) => void,
): Promise<{ files: typeof tinyFiles; manifest: Manifest }> {
  const entry = manifest.files.topology;
  const { tensors } = parseSafetensors(await tinyFiles.read(entry.path));
  change(tensors);
  const bytes = writeSafetensors(tensors);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    files: { read: async () => bytes },
    manifest: { ...manifest, files: { ...manifest.files, topology: { ...entry, bytes: bytes.length, sha256 } } },
  };
}

describe('topology', () => {
  it('has parts in the order of the manifest and landmarks of both sets', () => {
    expect(topology.parts.map((part) => part.name)).toEqual(manifest.parts.slice(1));
    expect(topology.landmarks[68].length).toBe(136);
    expect(topology.landmarks[468].length).toBe(936);
    for (const { positions, uv, texture } of topology.parts) {
      expect(positions.length / 3).toBe(uv.length / 2);
      expect(texture.data.length).toBe(texture.size ** 2 * 3);
    }
  });

  it('has the distribution of skins where the model says it, checked against the code', async () => {
    expect(topology.texturePrior).toBeUndefined();
    const size = manifest.codes.texture;
    const tensor = (...dims: number[]) => ({
      data: new Float32Array(dims.reduce((a, b) => a * b)).fill(0.5),
      dims,
    });
    const prior = (codeSize: number) => (tensors: Record<string, Tensor>) => {
      tensors['texturePrior.shares'] = tensor(2);
      tensors['texturePrior.means'] = tensor(2, codeSize);
      tensors['texturePrior.sigmas'] = tensor(codeSize);
      tensors['texturePrior.factors'] = tensor(2, 3, codeSize);
    };
    const { texturePrior } = await loadTopology(await changed(prior(size)));
    expect(texturePrior?.factors.length).toBe(2 * 3 * size);
    const error = await loadTopology(await changed(prior(size + 1))).catch((thrown) => thrown);
    expect(isFaceError(error, 'TENSORS')).toBe(true);
    expect(error.message).toMatch(/texturePrior\.means/);
  });

  it('is read at the nearest texel, rows down, border held', () => {
    const places = new Float32Array([0.5, 0.5, 0.5, 0.65, 0.5, 0.01, 0.5, 0.99, -3, 7]);
    expect(sampleChartMap(topology.regions, places)).toEqual(
      new Uint8Array([REGIONS.lips, REGIONS.face, REGIONS.scalp, REGIONS.neck, REGIONS.neck]),
    );
    expect(sampleChartMap(topology.faceMask, places)).toEqual(new Uint8Array([255, 255, 0, 0, 0]));
    const small = { data: new Uint8Array([1, 2, 3, 4]), size: 2 };
    expect(sampleChartMap(small, new Float32Array([0.49, 0, 0.51, 0, 0.49, 0.51, 1, 1]))).toEqual(
      new Uint8Array([1, 2, 3, 4]),
    );
  });

  it.each([
    [2, 8],
    [7, 7],
    [48, 10],
    [10, 48],
  ])('resamples a chart map of %i to %i texels as at their centres', (size, to) => {
    const random = createRandom(size);
    const map = { data: Uint8Array.from({ length: size * size }, () => random.integer(256)), size };
    expect(resampleChartMap(map, to)).toEqual(sampleChartMap(map, texelCentres(to)));
  });

  it.each([
    [
      'a tensor that is missing',
      /landmarks68\.uv/,
      (tensors: Record<string, Tensor>) => delete tensors['landmarks68.uv'],
    ],
    [
      'a triangle beyond the vertices',
      /tongue\.triangles.*received 9999/,
      (tensors: Record<string, Tensor>) => (tensors['tongue.triangles'].data as Uint32Array).set([9999]),
    ],
    [
      'a mask that is not square',
      /faceMask should be square/,
      (tensors: Record<string, Tensor>) => (tensors.faceMask = { data: new Uint8Array(6), dims: [2, 3] }),
    ],
  ])('refuses %s', async (_, message, change) => {
    const loading = loadTopology(await changed(change));
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toSatisfy((error) => isFaceError(error, 'TENSORS'));
  });
});
