import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { convertTflite } from './convert.js';
import { NETWORK_SOURCES, type NetworkSource } from './sources.js';
import { readTflite, type TfliteGraph } from './tflite.js';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** Folder that receives the ONNX files; it is in the npm package but not in git. */
export const MODELS_DIRECTORY = join(here, '..', 'models');

interface TensorSpec {
  dims: number[];
  dtype: 'float32';
}

export interface BuiltManifest {
  id: string;
  version: string;
  license: string;
  /** SHA-256 over the TFLite inputs and the converter's own files: unchanged means there is nothing to build. */
  builtFrom: string;
  files: Record<string, { path: string; bytes: number; sha256: string; source: string }>;
  /** Shapes as `@implicit-faces/runtime` checks them. */
  networks: Record<string, { file: string; inputs: Record<string, TensorSpec>; outputs: Record<string, TensorSpec> }>;
}

const sha256 = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/**
 * Reads the TFLite bytes of one network from its npm package.
 *
 * @throws Error when the installed package has another version or the bytes are not the pinned ones.
 */
export async function readSource(source: NetworkSource): Promise<Uint8Array> {
  const packageJson = require.resolve(`${source.package}/package.json`);
  const { version } = JSON.parse(await readFile(packageJson, 'utf8')) as { version: string };
  if (version !== source.version) {
    throw new Error(
      `build-models: expected ${source.package} ${source.version}; ${version} is installed. Pin the version in package.json.`,
    );
  }
  const whole = await readFile(join(dirname(packageJson), source.file));
  const bytes = Uint8Array.from(source.range ? whole.subarray(...source.range) : whole);
  const found = sha256(bytes);
  if (found !== source.sha256) {
    throw new Error(
      `build-models: ${source.name} should have SHA-256 ${source.sha256}; ${source.package}/${source.file} gave ${found}.`,
    );
  }
  return bytes;
}

/** Converts every network into `models/`, with its manifest. Does nothing when the outputs match their inputs already. */
export async function buildModels(directory = MODELS_DIRECTORY): Promise<BuiltManifest> {
  const inputs = await Promise.all(NETWORK_SOURCES.map(readSource));
  const converter = await Promise.all((await readdir(here)).sort().map((file) => readFile(join(here, file))));
  const builtFrom = sha256(...inputs, ...converter);
  const current = await readCurrent(directory, builtFrom);
  if (current) return current;

  await mkdir(directory, { recursive: true });
  const manifest: BuiltManifest = {
    id: 'mediapipe-face-onnx',
    version: '0.1.0',
    license: 'Apache-2.0',
    builtFrom,
    files: {},
    networks: {},
  };
  for (const [i, source] of NETWORK_SOURCES.entries()) {
    const graph = readTflite(inputs[i]);
    const onnx = convertTflite(graph, source);
    const path = `${source.name}.onnx`;
    await writeFile(join(directory, path), onnx);
    manifest.files[source.name] = {
      path,
      bytes: onnx.length,
      sha256: sha256(onnx),
      source: `npm:${source.package}@${source.version}/${source.file}`,
    };
    manifest.networks[source.name] = {
      file: source.name,
      inputs: tensorSpecs(graph, graph.inputs, source.inputs),
      outputs: tensorSpecs(graph, graph.outputs, source.outputs),
    };
  }
  await writeFile(join(directory, 'NOTICE'), notice());
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function tensorSpecs(graph: TfliteGraph, indices: number[], names: string[]): Record<string, TensorSpec> {
  return Object.fromEntries(
    names.map((name, i) => [name, { dims: graph.tensors[indices[i]].shape, dtype: 'float32' }]),
  );
}

/** The manifest in `directory` when it was built from the same inputs and its files are still whole. */
async function readCurrent(directory: string, builtFrom: string): Promise<BuiltManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as BuiltManifest;
    if (manifest.builtFrom !== builtFrom) return undefined;
    for (const file of Object.values(manifest.files)) {
      if (sha256(await readFile(join(directory, file.path))) !== file.sha256) return undefined;
    }
    return manifest;
  } catch {
    return undefined;
  }
}

function notice(): string {
  const packages = [...new Set(NETWORK_SOURCES.map((source) => `- ${source.package} ${source.version}`))];
  return `The ONNX files in this folder are networks of MediaPipe, Copyright The MediaPipe Authors,
licensed under the Apache License, Version 2.0 (LICENSE-APACHE-2.0 in this package).

They come from these npm packages:
${packages.join('\n')}

Changes: converted from TFLite to ONNX (operators and axis order; the float16 weights are bit for bit the same).
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { files } = await buildModels();
  const size = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  process.stdout.write(`models: ${Object.keys(files).length} networks, ${(size / 1e6).toFixed(1)} MB\n`);
}
