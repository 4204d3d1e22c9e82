#!/usr/bin/env node
// The command `evaluate`: inverts synthetic portraits, of which the truth is known, and photos by the built command line, and measures the avatars. JSON or a table on stdout, progress on stderr.
// Exit code 2 and one line on stderr when data are missing.
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FaceModel, loadAvatar, loadFaceModel, type RgbaImage } from '@implicit-faces/avatar';
import { MOST_PHOTOS, type Preset } from '@implicit-faces/inversion';
import { loadLandmarker } from '@implicit-faces/landmarks';
import { decodeImage, modelFiles } from '@implicit-faces/landmarks/node';
import { FaceError, isFaceError, type Manifest, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { Command, Option } from 'commander';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { type AblationRun, ablationSummary, ablationText } from './ablation-tables.js';
import {
  ABLATIONS,
  type AblationName,
  type AblationPictures,
  compareColours,
  createAblationRunner,
  measureAblation,
  measureOnPortrait,
} from './ablations.js';
import { writeContactSheet } from './contact-sheet.js';
import { loadIdentityNetwork } from './identity.js';
import { type InversionRunOptions, runInversion } from './inversion-runs.js';
import { listPhotos, measurePhoto, summarisePhotos } from './photo-evaluation.js';
import { type Results, writeAblations, writeResults } from './results-page.js';
import { rounded } from './statistics.js';
import { takeFurtherPhotos } from './synthetic/photo-set.js';
import { loadPortraitGenerator } from './synthetic/portrait.js';
import { summariseSynthetic } from './synthetic-evaluation.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MODEL = join(ROOT, 'packages/face-model');
/** Portraits of these seeds evaluate; whatever is trained on portraits takes seeds below. */
const FIRST_SEED = 1_000_000;
/** Two for each of the six skins. */
const FACES = 12;
/** The other photos show people who did not ask to be in our documentation. */
const MAY_BE_SHOWN = /collins|astronaut|\d+\.png$/;

interface Arguments {
  data: string;
  preset: Preset;
  faces: number;
  views: number;
  photos?: string[] | boolean;
  seed: number;
  model: string;
  out?: string;
  ablations?: AblationName[] | true;
  wrinkles?: boolean;
  finetune?: number;
  relief?: boolean;
  json?: boolean;
  docs?: boolean;
}

const command = new Command('evaluate')
  .description('Measures inversion on synthetic portraits with known truth and on photos.')
  .requiredOption('--data <dir>', 'folder that holds facekit/, skins/, hdri/ and photos/')
  .addOption(
    new Option('--preset <name>', 'how much work to do').choices(['fast', 'default', 'best']).default('default'),
  )
  .option('--faces <count>', 'how many synthetic portraits', Number, FACES)
  .option('--views <count>', 'how many photos of each synthetic face are inverted together, 1 to 5', Number, 1)
  .option('--photos <names...>', 'only photos whose names contain one of these')
  .option('--no-photos', 'no photos at all')
  .option('--wrinkles', 'synthetic portraits have wrinkles and grain')
  .option('--finetune <steps>', 'pivotal tuning, as of invert', Number)
  .option('--relief', 'look for relief, as invert does')
  .option('--seed <number>', 'of the inversions', Number, 0)
  .option('--model <dir>', 'folder of another face model', MODEL)
  .option('--out <dir>', 'keep a folder per face, and sheet.png')
  .addOption(
    new Option('--ablations [names...]', 'leave out or replace one part of the inversion at a time instead').choices(
      ABLATIONS.map(({ name }) => name),
    ),
  )
  .option('--json', 'print JSON instead of a table')
  .option('--docs', 'write what was measured into docs/results.md, with its pictures')
  .addHelpText(
    'after',
    `
Examples:
  evaluate --data DIR --json
  evaluate --data DIR --faces 2 --photos collins
  evaluate --data DIR --ablations --faces 6 --photos collins 17 50 --docs
  evaluate --data DIR --ablations full noEncoder --faces 1 --no-photos

Ablations:
${ABLATIONS.map(({ name, label }) => `  ${name.padEnd(14)}${label}`).join('\n')}`,
  );

async function main(): Promise<void> {
  const options = command.parse().opts<Arguments>();
  if (!Number.isInteger(options.faces) || options.faces < 0) {
    throw new FaceError('OPTION', `evaluate: --faces should be a whole number; received ${options.faces}.`);
  }
  if (!Number.isInteger(options.views) || options.views < 1 || options.views > MOST_PHOTOS) {
    throw new FaceError('OPTION', `evaluate: --views should be 1 to ${MOST_PHOTOS}; received ${options.views}.`);
  }
  const data = resolve(options.data);
  await stat(data).catch((cause) => {
    throw new FaceError('DATA', `evaluate: ${data} is not there. Pass the data folder as --data.`, { cause });
  });
  const photos = await choosePhotos(data, options.photos);
  const keep = options.out ? resolve(options.out) : undefined;
  const out = keep ?? (await mkdtemp(join(tmpdir(), 'evaluate-')));
  await mkdir(out, { recursive: true });
  try {
    if (options.ablations) {
      const run = await ablate(data, photos, out, options);
      const { rows } = run;
      const photo = photos.find(
        (path) => MAY_BE_SHOWN.test(path) && !run.failed.some((name) => name.startsWith(`${parse(path).name} `)),
      );
      const show = (path: string) =>
        writeContactSheet(
          rows.map(({ name }) => ({ photo: photo!, folder: join(out, name, parse(photo!).name) })),
          path,
          { pictures: ['render.png', 'front.png', 'right.png'], tile: 240 },
        );
      if (keep && photo) process.stderr.write(`${await show(join(keep, 'sheet.png'))}\n`);
      if (options.docs) {
        if (photo) await show(join(ROOT, 'docs/images/ablations.jpg'));
        const page = await writeAblations(run, join(ROOT, 'docs/results.md'), photo && 'images/ablations.jpg');
        process.stderr.write(`${page}\n`);
      }
      process.stdout.write(options.json ? `${JSON.stringify(ablationSummary(run), null, 2)}\n` : ablationText(run));
      return;
    }
    const results = await evaluate(data, photos, out, options);
    const shown = [...results.synthetic, ...results.photos];
    const rows = shown.map((figures) =>
      'photo' in figures
        ? { photo: photos.find((path) => parse(path).name === figures.photo)!, folder: join(out, figures.photo) }
        : { photo: join(out, `${figures.seed}.png`), folder: join(out, String(figures.seed)) },
    );
    if (keep) process.stderr.write(`${await writeContactSheet(rows, join(keep, 'sheet.png'))}\n`);
    if (options.docs) {
      const allowed = rows.filter(({ photo }) => MAY_BE_SHOWN.test(photo));
      if (options.preset === 'default') {
        await writeContactSheet(allowed.slice(-7), join(ROOT, 'docs/images/results.jpg'));
      }
      process.stderr.write(`${await writeResults(results, join(ROOT, 'docs/results.md'))}\n`);
    }
    process.stdout.write(options.json ? `${JSON.stringify(summary(results), null, 2)}\n` : table(results));
  } finally {
    if (!keep) await rm(out, { recursive: true, force: true });
  }
}

async function choosePhotos(data: string, wanted: Arguments['photos']): Promise<string[]> {
  if (wanted === false) return [];
  const all = await listPhotos(data);
  return Array.isArray(wanted) ? all.filter((path) => wanted.some((name) => parse(path).name.includes(name))) : all;
}

async function loadModel(folder: string): Promise<{ manifest: Manifest; model: FaceModel }> {
  const files = directoryFiles(folder);
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch((cause) => {
    throw new FaceError('DATA', `evaluate: ${folder}/manifest.json cannot be read. Is the model there?`, { cause });
  });
  const manifest = parseManifest(JSON.parse(text));
  ort.env.logLevel = 'error';
  return { manifest, model: await loadFaceModel({ ort, files, manifest, threads: 2 }) };
}

/** A face that is not found is a result; anything else is a fault. */
function noteFailure(failed: string[], name: string, error: unknown): void {
  if (!isFaceError(error, 'RUN') && !isFaceError(error, 'NO_FACE') && !isFaceError(error, 'NOT_FINITE')) throw error;
  failed.push(name);
  process.stderr.write(`${name}: ${error.message}\n`);
}

async function writePng({ data, width, height }: RgbaImage, path: string): Promise<void> {
  await sharp(Buffer.from(data.buffer), { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .png()
    .toFile(path);
}

async function evaluate(data: string, photos: string[], out: string, options: Arguments): Promise<Results> {
  const { preset, seed, faces, views, wrinkles, finetune, relief } = options;
  const folder = resolve(options.model);
  const { manifest, model } = await loadModel(folder);
  const run: InversionRunOptions = {
    ...{ preset, seed, finetune, relief },
    model: folder === resolve(MODEL) ? undefined : folder,
  };
  const results: Results = { model: manifest.id, preset, synthetic: [], photos: [], failed: [] };
  try {
    if (faces > 0) {
      const generator = await loadPortraitGenerator({ data, manifest, topology: model.uv.topology });
      for (let i = 0; i < faces; i++) {
        const portrait = generator.create(FIRST_SEED + i, { relief: wrinkles });
        const name = String(portrait.seed);
        const photos: string[] = [];
        for (const image of [portrait.image, ...takeFurtherPhotos(generator, portrait, views - 1)]) {
          const photo = join(out, photos.length ? `${name}-${photos.length}.png` : `${name}.png`);
          await writePng(image, photo);
          photos.push(photo);
        }
        try {
          const { seconds } = await runInversion(photos, join(out, name), run);
          const avatar = loadAvatar(new Uint8Array(await readFile(join(out, name, 'avatar.safetensors'))), manifest);
          const figures = await measureOnPortrait(model, generator, portrait, avatar);
          results.synthetic.push(figures);
          const { medianMm, albedoMae } = figures;
          process.stderr.write(
            `${name}: ${medianMm.toFixed(2)} mm, albedo ${albedoMae.toFixed(3)}, ${seconds.total.toFixed(1)} s\n`,
          );
        } catch (error) {
          noteFailure(results.failed, name, error);
        }
      }
    }
    if (photos.length > 0) {
      const landmarks = await loadLandmarker({ ort, files: modelFiles() });
      const identity = await loadIdentityNetwork(ort);
      for (const photo of photos) {
        const { name } = parse(photo);
        try {
          const report = await runInversion([photo], join(out, name), run);
          const figures = await measurePhoto(photo, join(out, name), report, { landmarks, identity });
          results.photos.push(figures);
          const { psnrDb, identityFront, seconds } = figures;
          process.stderr.write(
            `${name}: ${psnrDb.toFixed(1)} dB, identity ${identityFront.toFixed(2)}, ${seconds.toFixed(1)} s\n`,
          );
        } catch (error) {
          noteFailure(results.failed, name, error);
        }
      }
      await Promise.all([landmarks.dispose(), identity.dispose()]);
    }
  } finally {
    await model.dispose();
  }
  return results;
}

async function ablate(data: string, photos: string[], out: string, options: Arguments): Promise<AblationRun> {
  const { preset, seed, faces } = options;
  const wanted = ABLATIONS.filter(({ name }) => options.ablations === true || options.ablations?.includes(name));
  const { manifest, model } = await loadModel(resolve(options.model));
  const run: AblationRun = {
    ...{ model: manifest.id, preset, failed: [], colours: [] },
    rows: wanted.map(({ name, label }) => ({ name, label, synthetic: [], photos: [] })),
  };
  const landmarks = await loadLandmarker({ ort, files: modelFiles() });
  try {
    const generator = await loadPortraitGenerator({ data, manifest, topology: model.uv.topology });
    const runner = createAblationRunner({ model, generator, ort, landmarks, preset, seed });
    for (let i = 0; i < faces; i++) {
      const portrait = generator.create(FIRST_SEED + i);
      for (const [k, ablation] of wanted.entries()) {
        const name = `${portrait.seed} ${ablation.name}`;
        try {
          const avatar = await runner.invert(portrait.image, ablation);
          const figures = await measureOnPortrait(runner.modelOf(ablation), generator, portrait, avatar);
          run.rows[k].synthetic.push(figures);
          const { medianMm, albedoMae } = figures;
          const { total } = avatar.inversion.seconds;
          process.stderr.write(
            `${name}: ${medianMm.toFixed(2)} mm, albedo ${albedoMae.toFixed(3)}, ${total.toFixed(1)} s\n`,
          );
          if (ablation.name === 'colourField')
            run.colours.push(
              await compareColours({ model, generator }, portrait, await runner.invert(portrait.image, ABLATIONS[0])),
            );
        } catch (error) {
          noteFailure(run.failed, name, error);
        }
      }
    }
    for (const path of photos) {
      const photo = await decodeImage(path);
      for (const [k, ablation] of wanted.entries()) {
        const name = `${parse(path).name} ${ablation.name}`;
        try {
          const avatar = await runner.invert(photo, ablation);
          const own = runner.modelOf(ablation);
          const { figures, pictures } = await measureAblation(own, avatar, photo, parse(path).name, landmarks);
          run.rows[k].photos.push(figures);
          await writePictures(pictures, join(out, ablation.name, parse(path).name));
          const { psnrDb, projectedNme, seconds } = figures;
          process.stderr.write(
            `${name}: ${psnrDb.toFixed(1)} dB, projected ${projectedNme.toFixed(3)}, ${seconds.toFixed(1)} s\n`,
          );
        } catch (error) {
          noteFailure(run.failed, name, error);
        }
      }
    }
  } finally {
    await Promise.all([model.dispose(), landmarks.dispose()]);
  }
  return run;
}

async function writePictures(pictures: AblationPictures, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, picture] of Object.entries(pictures)) await writePng(picture, join(folder, `${name}.png`));
}

function summary({ model, preset, synthetic, photos, failed }: Results): unknown {
  const all = {
    synthetic: synthetic.length ? { ...summariseSynthetic(synthetic), faces: synthetic.length } : null,
    photos: photos.length ? { ...summarisePhotos(photos), count: photos.length } : null,
    ...{ model, preset, failed },
  };
  return rounded(all);
}

function table(results: Results): string {
  const { synthetic, photos } = summary(results) as Record<string, Record<string, unknown> | null>;
  return [synthetic, photos]
    .flatMap((part) => Object.entries(part ?? {}))
    .map(([key, value]) => `${key.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : value}\n`)
    .join('');
}

main().catch((error) => {
  process.stderr.write(isFaceError(error) ? `${error.message}\n` : `${error?.stack ?? error}\n`);
  process.exitCode = isFaceError(error) ? 2 : 1;
});
