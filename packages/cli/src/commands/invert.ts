import { invertImages, MOST_PHOTOS, type Preset } from '@implicit-faces/inversion';
import { decodeImage } from '@implicit-faces/landmarks/node';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { path, wholeNumber } from '../arguments.js';
import { loadLandmarks, loadModel, loadOrt } from '../load-models.js';
import { INVERT_FILES, writeInvertFiles } from '../output/invert-files.js';
import { openOutputFolder } from '../output/output-folder.js';
import type { InvertReport } from '../output/report.js';
import { createProgress } from '../progress.js';

const PRESETS = ['fast', 'default', 'best'] as const satisfies Preset[];

interface InvertArguments {
  out: string;
  preset: Preset;
  seed: number;
  face: number;
  finetune?: number;
  relief?: boolean;
  model?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Adds `implicit-faces invert PHOTO... --out DIR`. */
export function invertCommand(program: Command): void {
  program
    .command('invert')
    .summary('a photo, or some of one person, to an avatar')
    .description(
      'Makes an avatar from photos of one person: a GLB file, an avatar file, its texture, pictures of it and a report.',
    )
    .argument(
      '<photo...>',
      `JPEG, PNG, WebP, AVIF, GIF or TIFF pictures of one person's face, 1 to ${MOST_PHOTOS}`,
      photoPaths,
    )
    .requiredOption('-o, --out <dir>', 'folder for the results, made if needed', path)
    .addOption(new Option('-p, --preset <name>', 'how much work to do').choices(PRESETS).default('default'))
    .option(
      '-s, --seed <number>',
      'of all random choices: same photo, same seed, same avatar',
      wholeNumber(0, 2 ** 32 - 1),
      0,
    )
    .option('-f, --face <index>', 'which face, 0 being the largest', wholeNumber(0, 999), 0)
    .option('--finetune <steps>', 'fit the network to the face by so many steps (pivotal tuning)', wholeNumber(0, 100))
    .option('--relief', 'look for wrinkles and pores in the shading, for a normal map')
    .option('--model <dir>', 'folder of another face model')
    .option('--json', 'print the report on stdout, and nothing else')
    .option('-q, --quiet', 'print nothing but errors')
    .addHelpText(
      'after',
      `
Examples:
  implicit-faces invert me.jpg --out me
  implicit-faces invert front.jpg left.jpg right.jpg --out me
  implicit-faces invert party.jpg --face 2 --out anna --preset best
  implicit-faces invert me.jpg --out me --json > report.json

Writes:
${fileList('  ')}`,
    )
    .action(invert);
}

function photoPaths(text: string, before: string[] = []): string[] {
  if (before.length === MOST_PHOTOS) throw new InvalidArgumentError(`At most ${MOST_PHOTOS} photos are taken.`);
  return [...before, path(text)];
}

async function invert(photoPaths: string[], options: InvertArguments): Promise<void> {
  const folder = openOutputFolder(options.out, Object.keys(INVERT_FILES));
  const progress = createProgress(options);
  try {
    const { photos, model, landmarks } = await load(photoPaths, options.model, (fraction) =>
      progress.update('load', fraction),
    );
    const avatar = await invertImages(photos, {
      ort: await loadOrt(),
      model,
      landmarks,
      preset: options.preset,
      seed: options.seed,
      faceIndex: options.face,
      settings: { finetuneSteps: options.finetune, relief: options.relief },
      onProgress: ({ stage, fraction }) => progress.update(stage, fraction),
    });
    const report = await writeInvertFiles(folder, avatar, {
      model,
      landmarks,
      photos,
      onProgress: (fraction) => progress.update('write', fraction),
    });
    folder.commit();
    progress.stop();
    if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else if (!options.quiet) process.stdout.write(`${options.out}: ${summary(report)}\n${fileList('  ')}\n`);
    await Promise.all([model.dispose(), landmarks.dispose()]);
  } finally {
    progress.stop();
    folder.discard();
  }
}

/** Decodes the photos while the networks load. What is wrong with a photo is told first. */
async function load(photoPaths: string[], modelFolder: string | undefined, onProgress: (fraction: number) => void) {
  const stop = new AbortController();
  let done = 0;
  const counted = async <T>(work: Promise<T>) => {
    const result = await work;
    onProgress(++done / 3);
    return result;
  };
  onProgress(0);
  const networks = Promise.all([
    counted(loadModel(modelFolder, { signal: stop.signal })),
    counted(loadLandmarks({ signal: stop.signal })),
  ]);
  networks.catch(() => undefined);
  try {
    const photos = await counted(Promise.all(photoPaths.map((photoPath) => decodeImage(photoPath))));
    const [model, landmarks] = await networks;
    return { photos, model, landmarks };
  } catch (error) {
    stop.abort();
    throw error;
  }
}

function summary({ seconds, image, landmarks }: InvertReport): string {
  const percent = (share: number | null) => (share === null ? 'no face found again' : `${(100 * share).toFixed(1)} %`);
  return `${seconds.total.toFixed(1)} s, image ${image.psnrDb.toFixed(1)} dB, landmarks ${percent(landmarks.nme)}`;
}

function fileList(indent: string): string {
  return Object.entries(INVERT_FILES)
    .filter(([, text]) => text)
    .map(([name, text]) => `${indent}${name.padEnd(20)}${text}`)
    .join('\n');
}
