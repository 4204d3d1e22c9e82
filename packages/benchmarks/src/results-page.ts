import { readFile, writeFile } from 'node:fs/promises';
import { type AblationRun, ablationTable, summariseAblation, summariseColours } from './ablation-tables.js';
import { type PhotoFigures, summarisePhotos } from './photo-evaluation.js';
import { type SyntheticFigures, summariseSynthetic } from './synthetic-evaluation.js';

/** One run of `evaluate`. */
export interface Results {
  model: string;
  preset: string;
  synthetic: SyntheticFigures[];
  photos: PhotoFigures[];
  /** Names of portraits and photos without an avatar. */
  failed: string[];
}

type Target = { most: number } | { least: number };

/** What each preset should reach: at most, or at least. */
const TARGETS: Record<string, Record<string, Target>> = {
  fast: {
    medianMm: { most: 1.8 },
    novelPsnrDb30: { least: 22 },
    relightPsnrDb: { least: 20 },
    psnrDb: { least: 26 },
    ssim: { least: 0.8 },
    modelPsnrDb: { least: 20 },
    nme: { most: 0.025 },
    projectedNme: { most: 0.035 },
    identityFront: { most: 0.58 },
    identitySide: { most: 0.65 },
    seconds: { most: 2 },
    peakRssBytes: { most: 1e9 },
  },
  default: {
    medianMm: { most: 1.3 },
    albedoMae: { most: 0.06 },
    novelPsnrDb30: { least: 24 },
    relightPsnrDb: { least: 22 },
    psnrDb: { least: 29 },
    ssim: { least: 0.9 },
    modelPsnrDb: { least: 22 },
    nme: { most: 0.018 },
    projectedNme: { most: 0.025 },
    identityFront: { most: 0.5 },
    identitySide: { most: 0.58 },
    seconds: { most: 20 },
    peakRssBytes: { most: 1.5e9 },
  },
  best: {
    medianMm: { most: 1.2 },
    albedoMae: { most: 0.05 },
    novelPsnrDb30: { least: 25 },
    relightPsnrDb: { least: 23 },
    psnrDb: { least: 31 },
    ssim: { least: 0.93 },
    modelPsnrDb: { least: 22 },
    nme: { most: 0.015 },
    projectedNme: { most: 0.022 },
    identityFront: { most: 0.47 },
    identitySide: { most: 0.55 },
    seconds: { most: 60 },
    peakRssBytes: { most: 2e9 },
  },
};

/** The page's sections, in order. A run writes some of them and leaves the others as they are. */
const SECTIONS = ['Synthetic portraits', 'Photos', 'Preset fast', 'Preset best', 'Ablations', 'Texture or colour(x)'];

/**
 * Writes the tables of a run into a page of the documentation: of the preset `default` two sections with every face and photo, of another preset one of its figures.
 *
 * @returns the page's path.
 */
export function writeResults(results: Results, path: string): Promise<string> {
  const { preset, synthetic, photos, failed } = results;
  const from = source(results);
  const without = failed.length ? [`No avatar: ${failed.join(', ')}.\n`] : [];
  const targets = TARGETS[preset];
  if (preset !== 'default') {
    return updatePage(path, {
      [`Preset ${preset}`]: [
        `${synthetic.length} synthetic portraits and ${photos.length} photos, ${from}\n`,
        figureTable(
          {
            ...(synthetic.length && summariseSynthetic(synthetic)),
            ...(photos.length && summarisePhotos(photos)),
          },
          targets,
        ),
        ...without,
      ],
    });
  }
  return updatePage(path, {
    ...(synthetic.length && {
      'Synthetic portraits': [
        `${synthetic.length} people who do not exist, with skins and light that no network has seen; ${from}\n`,
        figureTable(summariseSynthetic(synthetic), targets),
        table(
          synthetic.map(({ novelPsnrDb, ...face }) => ({
            ...face,
            novelPsnrDb30: (novelPsnrDb[30] + novelPsnrDb[-30]) / 2,
          })),
        ),
      ],
    }),
    ...(photos.length && {
      Photos: [
        `${photos.length} portraits of real and generated faces; ${from}\n`,
        figureTable(summarisePhotos(photos), targets),
        table(photos.map(({ peakRssBytes, ...photo }) => ({ ...photo, peakMb: peakRssBytes / 1e6 }))),
        ...without,
      ],
    }),
  });
}

/**
 * Writes the table of ablations into the page, and that of the two kinds of colour where both were measured.
 *
 * @param picture - file of the picture of the ablations, from the page.
 * @returns the page's path.
 */
export function writeAblations(run: AblationRun, path: string, picture?: string): Promise<string> {
  const { rows, colours, failed } = run;
  const counts = summariseAblation(rows[0]);
  return updatePage(path, {
    Ablations: [
      `What the parts of the inversion are worth: one left out or in another's place at a time. ${counts.synthetic?.faces ?? 0} synthetic portraits (left) and ${counts.photos?.count ?? 0} photos (right), ${source(run)} \`albedoMae\` is the mean of all faces here.\n`,
      table(ablationTable(rows)),
      ...(picture
        ? [
            `![A photo; and for each row of the table, from the top, the avatar over it, from the front and from the side](${picture})\n`,
          ]
        : []),
      ...(failed.length ? [`No avatar: ${failed.join(', ')}.\n`] : []),
    ],
    ...(colours.length && {
      'Texture or colour(x)': [
        `What becomes of the colours of ${colours.length} synthetic portraits when the face changes: errors of the albedo as fitted, in another expression and on another face, and how far over the skin paint slips. A field \`colour(x)\` is fitted to the same pixels, in the head's own space.\n`,
        table([
          { colour: 'texture in UV', ...summariseColours(colours).uv },
          { colour: 'colour(x)', ...summariseColours(colours).field },
        ]),
      ],
    }),
  });
}

function source({ model, preset }: { model: string; preset: string }): string {
  return `model \`${model}\`, preset \`${preset}\`.`;
}

async function updatePage(path: string, written: Record<string, readonly string[]>): Promise<string> {
  const before = await readFile(path, 'utf8').catch(() => '');
  const kept = Object.fromEntries(
    before
      .split(/^## /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim()]),
  );
  const parts = SECTIONS.flatMap((heading) => {
    const text = written[heading]?.join('\n').trim() ?? kept[heading];
    return text ? [`## ${heading}\n\n${text}\n`] : [];
  });
  const head = [
    '# Results\n',
    'What inversion reaches. Written by `npm run --silent evaluate -- --data DIR --docs`, with `--preset fast` or `best` and with `--ablations` for their sections; how each figure is measured is in [benchmarks](../packages/benchmarks/README.md#evaluate). Bold: short of its aim. Times depend on the machine.\n',
    '![Synthetic portraits and a photo with their avatars](images/results.jpg)\n',
  ];
  await writeFile(path, [...head, ...parts].join('\n'));
  return path;
}

function figureTable(figures: object, targets: Record<string, Target> = {}): string {
  const lines = Object.entries(figures).map(([name, value]) => {
    const target = targets[name];
    if (!target) return `| \`${name}\` | ${cell(value)} | |`;
    const [word, bound] = 'most' in target ? ['<=', target.most] : ['>=', target.least];
    const met = 'most' in target ? (value as number) <= target.most : (value as number) >= target.least;
    return `| \`${name}\` | ${met ? cell(value) : `**${cell(value)}**`} | ${word} ${bound} |`;
  });
  return ['| | measured | aim |', '| --- | --- | --- |', ...lines, ''].join('\n');
}

function table(rows: readonly object[]): string {
  const names = Object.keys(rows[0]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(names),
    line(names.map(() => '---')),
    ...rows.map((row) => line(names.map((name) => cell((row as Record<string, unknown>)[name])))),
    '',
  ].join('\n');
}

function cell(value: unknown): string {
  if (Array.isArray(value)) return value.map(cell).join(', ');
  if (value === null || value === undefined) return '-';
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(3))) : String(value);
}
