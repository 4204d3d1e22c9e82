#!/usr/bin/env node
// The command `evaluate-model`: JSON or a table on stdout, progress on stderr.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadLandmarker } from '@implicit-faces/landmarks';
import { modelFiles } from '@implicit-faces/landmarks/node';
import { FaceError, isFaceError, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { loadSdfModel } from '@implicit-faces/sdf-core';
import { Presets, SingleBar } from 'cli-progress';
import { Command } from 'commander';
import * as ort from 'onnxruntime-node';
import { loadHeldOutSkins, loadSkinLookup } from './albedo-metrics.js';
import { loadFaceKit } from './face-kit.js';
import { EVALUATE_MODEL_DEFAULTS, evaluateModel, type ModelReport } from './model-evaluation.js';
import { writePictures } from './pictures.js';

interface Arguments {
  data: string;
  model: string;
  json?: boolean;
  pictures?: string;
  onlyPictures?: boolean;
  faces?: number;
  people?: number;
  seed: number;
}

const command = new Command('evaluate-model')
  .description('Measures the shipped networks against 64 seeded faces of ICT-FaceKit that training never saw.')
  .requiredOption('--data <dir>', 'folder that holds facekit/facekit.npz and skins/')
  .option('--model <dir>', 'folder of the model', fileURLToPath(new URL('../../face-model', import.meta.url)))
  .option('--json', 'print JSON instead of a table')
  .option('--pictures <dir>', 'also write clay renders of five faces in five poses')
  .option('--only-pictures', 'write the pictures and measure nothing')
  .option('--faces <count>', 'only the first faces of the test set', Number)
  .option('--people <count>', 'how many people expressions are transferred between', Number)
  .option('--seed <number>', 'of the test set', Number, EVALUATE_MODEL_DEFAULTS.seed);

async function main(): Promise<void> {
  const options = command.parse().opts<Arguments>();
  const files = directoryFiles(resolve(options.model));
  const manifest = parseManifest(JSON.parse(await readText(join(options.model, 'manifest.json'))));
  if (!options.onlyPictures) {
    const kit = await loadFaceKit(options.data);
    const lookup = await loadSkinLookup();
    const skins = { lookup, heldOut: await loadHeldOutSkins(options.data, lookup) };
    const { faces, people, seed } = options;
    const portraits = { data: options.data, landmarks: await loadLandmarker({ ort, files: modelFiles() }) };
    const report = await withBar('faces', (onProgress) =>
      evaluateModel({ ort, files, manifest, kit, skins, portraits, faces, people, seed, onProgress }),
    );
    await portraits.landmarks.dispose();
    process.stdout.write(options.json ? `${JSON.stringify(rounded(report), null, 2)}\n` : table(report));
  }
  if (options.pictures) {
    const folder = options.pictures;
    const sdf = await loadSdfModel({ ort, files, manifest, threads: EVALUATE_MODEL_DEFAULTS.threads });
    const path = await withBar('pictures', (onProgress) => writePictures(sdf, folder, { onProgress }));
    await sdf.dispose();
    process.stderr.write(`${path}\n`);
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw new FaceError('FILE_READ', `evaluate:model: ${path} cannot be read. Is the model there?`, { cause });
  });
}

async function withBar<T>(label: string, work: (onProgress: (share: number) => void) => Promise<T>): Promise<T> {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: `${label} {bar} {percentage}% {duration_formatted}`,
      noTTYOutput: true,
      notTTYSchedule: 15000,
    },
    Presets.shades_classic,
  );
  bar.start(100, 0);
  try {
    return await work((share) => bar.update(Math.round(100 * share)));
  } finally {
    bar.stop();
  }
}

/** Four significant digits; whole numbers as they are. */
function rounded(report: ModelReport): unknown {
  return JSON.parse(JSON.stringify(report), (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  );
}

function table(report: ModelReport): string {
  return Object.entries(rounded(report) as Record<string, unknown>)
    .map(([key, value]) => `${key.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : value}\n`)
    .join('');
}

main().catch((error) => {
  process.stderr.write(isFaceError(error) ? `${error.message}\n` : `${error?.stack ?? error}\n`);
  process.exitCode = 2;
});
