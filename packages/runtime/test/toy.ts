import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Files, type Manifest, parseManifest, parseSafetensors } from '../src/index.js';
import { directoryFiles } from '../src/node.js';

/** The toy model of test-utils, see fixtures/toy_network.py. */
export const TOY = new URL('../../test-utils/fixtures/', import.meta.url);

export const toyFiles = directoryFiles(TOY);

export function toyBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(name, TOY)));
}

export function toyJson(): Manifest {
  return JSON.parse(new TextDecoder().decode(toyBytes('manifest.json')));
}

export function toyManifest(change: (json: Manifest) => void = () => {}): Manifest {
  const json = toyJson();
  change(json);
  return parseManifest(json);
}

export function toyExpected() {
  const { tensors, metadata } = parseSafetensors(toyBytes('toy-expected.safetensors'));
  if (metadata.magic !== 'toy-expected' || metadata.version !== '1')
    throw new Error('toy-expected.safetensors is of another version');
  return tensors as Record<string, { data: Float32Array; dims: number[] }>;
}

/** Files in memory, and a manifest that says of them what is true. */
export function forgedFiles(bytes: Uint8Array<ArrayBuffer>): { files: Files; manifest: Manifest } {
  const manifest = toyManifest((json) => {
    json.files.toy = {
      path: 'toy.onnx',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  });
  return { files: { read: async () => bytes }, manifest };
}
