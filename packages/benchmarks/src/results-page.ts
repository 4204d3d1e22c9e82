import { writeFile } from 'node:fs/promises';
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

/** What the default preset should reach: at most, or at least. */
const TARGETS: Record<string, { most: number } | { least: number }> = {
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
};

/**
 * Writes the tables of a run as a page of the documentation.
 *
 * @returns the page's path.
 */
export async function writeResults(
  { model, preset, synthetic, photos, failed }: Results,
  path: string,
): Promise<string> {
  const parts = [
    '# Results\n',
    `What inversion reaches: model \`${model}\`, preset \`${preset}\`. Written by \`npm run --silent evaluate -- --data DIR --docs\`; how each figure is measured is in [benchmarks](../packages/benchmarks/README.md#evaluate). Times depend on the machine.\n`,
    '![Synthetic portraits and a photo with their avatars](images/results.jpg)\n',
  ];
  if (synthetic.length) {
    parts.push(
      '## Synthetic portraits\n',
      `${synthetic.length} people who do not exist, with skins and light that no network has seen.\n`,
      figureTable(summariseSynthetic(synthetic)),
      rows(
        synthetic.map(({ novelPsnrDb, ...face }) => ({
          ...face,
          novelPsnrDb30: (novelPsnrDb[30] + novelPsnrDb[-30]) / 2,
        })),
      ),
    );
  }
  if (photos.length) {
    parts.push(
      '## Photos\n',
      `${photos.length} portraits of real and generated faces.\n`,
      figureTable(summarisePhotos(photos)),
      rows(photos.map(({ peakRssBytes, ...photo }) => ({ ...photo, peakMb: peakRssBytes / 1e6 }))),
    );
  }
  if (failed.length) parts.push(`No avatar: ${failed.join(', ')}.\n`);
  await writeFile(path, parts.join('\n'));
  return path;
}

function figureTable(figures: object): string {
  const lines = Object.entries(figures).map(([name, value]) => {
    const target = TARGETS[name];
    if (!target) return `| \`${name}\` | ${cell(value)} | |`;
    const [word, bound] = 'most' in target ? ['<=', target.most] : ['>=', target.least];
    const met = 'most' in target ? (value as number) <= target.most : (value as number) >= target.least;
    return `| \`${name}\` | ${met ? cell(value) : `**${cell(value)}**`} | ${word} ${bound} |`;
  });
  return ['| | measured | aim |', '| --- | --- | --- |', ...lines, ''].join('\n');
}

function rows(table: readonly object[]): string {
  const names = Object.keys(table[0]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(names),
    line(names.map(() => '---')),
    ...table.map((row) => line(Object.values(row).map(cell))),
    '',
  ].join('\n');
}

function cell(value: unknown): string {
  if (Array.isArray(value)) return value.map(cell).join(', ');
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(3))) : String(value);
}
