#!/usr/bin/env node
// The command `evaluate-video`: performances of people who do not exist, of which every weight is known, are tracked and compared with the truth. Table or JSON on stdout, a line per clip on stderr.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadFaceModel } from '@implicit-faces/avatar';
import { type ClipFrame, createTracker, invertImage, type TrackedFrame, trackVideo } from '@implicit-faces/inversion';
import { loadLandmarker } from '@implicit-faces/landmarks';
import { modelFiles } from '@implicit-faces/landmarks/node';
import { isFaceError, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { createRandom } from '@implicit-faces/test-utils';
import { sampleChartMap } from '@implicit-faces/uv-param';
import { Command } from 'commander';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { mean, median, quantile } from './statistics.js';
import { drawFrame, expressionFrom, performanceCurves } from './synthetic/performance.js';
import { loadPortraitGenerator } from './synthetic/portrait.js';

interface Arguments {
  data: string;
  clips: number;
  frames: number;
  size: number;
  fps: number;
  seed: number;
  model: string;
  out?: string;
  json?: boolean;
}

const SHIPPED = fileURLToPath(new URL('../../face-model', import.meta.url));
/** Frames of a face that keeps still, and how many the filters may take to settle. */
const STILL_FRAMES = 30;
const SETTLING = 8;
/** Standard deviation of the noise between still frames, 8-bit steps. */
const NOISE = 1.5;

const count = (text: string) => Math.max(1, Number.parseInt(text, 10));
const command = new Command('evaluate-video')
  .description('Tracks synthetic performances and compares weights, motion and jitter with the truth.')
  .requiredOption('--data <dir>', 'folder that holds facekit, skins and hdri')
  .option('--clips <number>', 'people', count, 3)
  .option('--frames <number>', 'of each clip', count, 48)
  .option('--size <pixels>', 'of each side of a frame', count, 480)
  .option('--fps <number>', 'frames per second', count, 30)
  .option('--seed <number>', 'of the first person', count, 9001)
  .option('--model <dir>', 'folder of another face model', SHIPPED)
  .option('--out <dir>', 'writes the clips: a folder of frames each, and weights.csv with the truth')
  .option('--json', 'print JSON instead of a table');

type Figures = Record<string, number>;

async function main(): Promise<void> {
  const options = command.parse().opts<Arguments>();
  const manifest = parseManifest(JSON.parse(await readFile(join(options.model, 'manifest.json'), 'utf8')));
  const model = await loadFaceModel({ ort, files: directoryFiles(options.model), manifest, threads: 1 });
  const landmarks = await loadLandmarker({ ort, files: modelFiles() });
  const { topology } = model.uv;
  const generator = await loadPortraitGenerator({ data: options.data, manifest, topology });
  const inFace = sampleChartMap(topology.faceMask, topology.skin.uv);
  const facePlaces = topology.skin.uv.filter((_, i) => inFace[i >> 1] > 127);
  const clips: Figures[] = [];
  for (let index = 0; index < options.clips; index++) {
    const seed = options.seed + index;
    const curves = performanceCurves(seed, options);
    const truth = curves.map(({ weights }) => expressionFrom(weights, manifest.arkitNames, topology.rig.matrix));
    const frames = curves.map(({ camera }, i) =>
      drawFrame(generator, seed, {
        expression: truth[i],
        camera,
        size: options.size,
        time: i / options.fps,
        noise: 1000 * seed + i,
      }),
    );
    if (options.out) await writeClip(join(options.out, String(seed)), frames, curves, manifest.arkitNames);
    const avatar = await invertImage(frames[0], { ort, model, landmarks, preset: 'fast' });
    const use = { avatar, ort, model, landmarks };
    const clip = await trackVideo(frames, use);
    const raw = await trackVideo(frames, { ...use, smoothing: false });

    const geometry = generator.perform(seed, {
      expression: truth[0],
      camera: curves[0].camera,
      size: 16,
      noise: 0,
    }).geometry;
    const face = (expression: Float32Array) => model.uv.surfaceFromUv(facePlaces, { geometry, expression });
    const rest = await face(new Float32Array(truth[0].length));
    const [errors, motions]: number[][] = [[], []];
    for (const [i, { codes }] of clip.entries()) {
      const expected = await face(truth[i]);
      errors.push(distanceMm(await face(codes.expression), expected));
      motions.push(distanceMm(rest, expected));
    }
    const still = await measureStill(frames[frames.length >> 1], use, face);
    const figures = {
      seed,
      lostShare: clip.filter(({ confidence }) => confidence === 0).length / clip.length,
      ...weightErrors(clip, curves, 'weights'),
      rawWeightsMae: weightErrors(raw, curves, 'weights').weightsMae,
      motionErrorMm: mean(errors),
      motionMm: mean(motions),
      landmarkError: mean(clip.map(({ landmarkError = Number.NaN }) => landmarkError)),
      ...still,
      ...(await measureSpeed(frames, use)),
    };
    process.stderr.write(`${seed}: ${JSON.stringify(figures)}\n`);
    clips.push(figures);
  }
  const names = Object.keys(clips[0]).filter((name) => name !== 'seed');
  const all: Figures = Object.fromEntries(names.map((name) => [name, mean(clips.map((clip) => clip[name]))]));
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ...all, clips }, null, 2)}\n`
      : `${names.map((name) => `${name.padEnd(20)} ${all[name].toPrecision(4)}`).join('\n')}\n`,
  );
  await Promise.all([model.dispose(), landmarks.dispose()]);
}

type Use = Parameters<typeof createTracker>[1] & { avatar: Parameters<typeof createTracker>[0] };

/** Mean distance of points `[N, 3]`, millimetres. */
function distanceMm(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 3) sum += Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1], a[i + 2] - b[i + 2]);
  return (3000 * sum) / a.length;
}

/** Mean absolute error of the weights that the curves move, and of the others, which should be 0. Where eyes look is not part of it: a still camera is looked at. */
function weightErrors(clip: TrackedFrame[], curves: { weights: Record<string, number> }[], name: string): Figures {
  const [moved, others]: number[][] = [[], []];
  for (const [i, { weights }] of clip.entries()) {
    for (const [shape, weight] of Object.entries(weights)) {
      if (shape.startsWith('eyeLook')) continue;
      const expected = curves[i].weights[shape];
      (expected === undefined ? others : moved).push(Math.abs(weight - (expected ?? 0)));
    }
  }
  return { [`${name}Mae`]: mean(moved), [`${name}OthersMae`]: mean(others) };
}

/** The same frame again and again with other noise: standard deviations of weights and of the face's surface, steadied and not. */
async function measureStill(frame: ClipFrame, use: Use, face: (expression: Float32Array) => Promise<Float32Array>) {
  const jitter = async (smoothing?: false) => {
    const random = createRandom(5);
    const clip = Array.from({ length: STILL_FRAMES }, (_, i) => ({
      ...frame,
      data: frame.data.map((value, k) => (k % 4 === 3 ? value : value + NOISE * random.normal())),
      time: i / 30,
    }));
    const tracked = (await trackVideo(clip, { ...use, smoothing })).slice(SETTLING);
    const surfaces: Float32Array[] = [];
    for (const { codes } of tracked) surfaces.push(await face(codes.expression));
    const middle = surfaces[0].map((_, i) => mean(surfaces.map((surface) => surface[i])));
    const names = Object.keys(tracked[0].weights);
    const deviations = names.map((name) => {
      const values = tracked.map(({ weights }) => weights[name]);
      const centre = mean(values);
      return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
    });
    return { mm: mean(surfaces.map((surface) => distanceMm(surface, middle))), weights: mean(deviations) };
  };
  const [steady, raw] = [await jitter(), await jitter(false)];
  return {
    jitterMm: steady.mm,
    jitterWeights: steady.weights,
    rawJitterMm: raw.mm,
    rawJitterWeights: raw.weights,
  };
}

/** Milliseconds per frame with all that `track` does, from the second frame on. */
async function measureSpeed(frames: readonly ClipFrame[], use: Use): Promise<Figures> {
  const tracker = await createTracker(use.avatar, use);
  const times: number[] = [];
  for (const frame of frames) {
    const begin = performance.now();
    await tracker.track(frame);
    times.push(performance.now() - begin);
  }
  return { frameMs: median(times.slice(1)), frameP95Ms: quantile(times.slice(1), 0.95) };
}

async function writeClip(
  folder: string,
  frames: readonly ClipFrame[],
  curves: { weights: Record<string, number> }[],
  names: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [i, { data, width, height }] of frames.entries()) {
    const picture = sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha();
    await picture.png().toFile(join(folder, `${String(i).padStart(4, '0')}.png`));
  }
  const rows = curves.map(({ weights }, i) => [frames[i].time, ...names.map((name) => weights[name] ?? 0)].join(','));
  await writeFile(join(folder, 'weights.csv'), `${['time', ...names].join(',')}\n${rows.join('\n')}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`evaluate-video: ${isFaceError(error) ? error.message : (error as Error).stack}\n`);
  process.exitCode = isFaceError(error) ? 2 : 1;
}
