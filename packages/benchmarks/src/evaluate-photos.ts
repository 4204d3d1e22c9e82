#!/usr/bin/env node
// The command `evaluate-photos`: inverts every photo of a folder by the built command line, and shows the figures and the pictures side by side. Table or JSON on
// stdout, a line per photo on stderr. Exit code 1 when a photo fails or misses a limit.
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { writeContactSheet } from './contact-sheet.js';

/** What an avatar has to reach: at most, or at least. */
const LIMITS = { nme: { most: 0.03 }, projectedNme: { most: 0.04 }, psnrDb: { least: 24 }, modelPsnrDb: { least: 18 } };
const PICTURE = new Set(['.jpg', '.jpeg', '.png', '.webp']);
const CLI = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

interface Arguments {
  photos: string;
  out: string;
  preset: string;
  seed: string;
  only?: string[];
  model?: string;
  json?: boolean;
}

interface Row {
  photo: string;
  /** What the command said when it failed. */
  error?: string;
  figures?: Record<string, number | null>;
  /** Names of the limits that are missed. */
  missed: string[];
}

const command = new Command('evaluate-photos')
  .description('Inverts every photo of a folder, prints the figures and draws a contact sheet.')
  .requiredOption('--photos <dir>', 'folder of JPEG, PNG or WebP photos')
  .option('--out <dir>', 'for a folder per photo, and sheet.png', 'out/photos')
  .option('--preset <name>', 'fast, default or best', 'default')
  .option('--seed <number>', 'of the inversions', '0')
  .option('--only <names...>', 'only photos whose names contain one of these')
  .option('--model <dir>', 'folder of another face model')
  .option('--json', 'print JSON instead of a table');

async function main(): Promise<void> {
  const options = command.parse().opts<Arguments>();
  const photos = (await readdir(options.photos))
    .filter((file) => PICTURE.has(extname(file).toLowerCase()))
    .filter((file) => options.only?.some((name) => file.includes(name)) ?? true)
    .sort();
  const rows: Row[] = [];
  for (const file of photos) {
    const row = await evaluatePhoto(file, options);
    process.stderr.write(
      `${row.photo}: ${row.error ?? (row.missed.length ? `misses ${row.missed.join(', ')}` : 'ok')}\n`,
    );
    rows.push(row);
  }
  const done = rows.filter(({ figures }) => figures);
  const sheet = await writeContactSheet(
    done.map(({ photo }) => ({ photo: join(options.photos, photo), folder: join(options.out, parse(photo).name) })),
    join(options.out, 'sheet.png'),
  );
  process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
  process.stderr.write(`${sheet}\n`);
  process.exitCode = rows.every(({ error, missed }) => !error && missed.length === 0) ? 0 : 1;
}

async function evaluatePhoto(photo: string, { photos, out, preset, seed, model }: Arguments): Promise<Row> {
  const folder = join(out, parse(photo).name);
  const { code, stderr } = await run([
    'invert',
    join(photos, photo),
    ...['--out', folder, '--preset', preset, '--seed', seed, '--quiet'],
    ...(model ? ['--model', model] : []),
  ]);
  if (code !== 0) return { photo, error: `exit code ${code}: ${stderr.trim()}`, missed: [] };
  const { image, landmarks, seconds, peakRssBytes } = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
  const figures: Record<string, number | null> = {
    nme: landmarks.nme,
    projectedNme: landmarks.projectedNme,
    psnrDb: image.psnrDb,
    ssim: image.ssim,
    modelPsnrDb: image.modelPsnrDb,
    seconds: seconds.total,
    processSeconds: seconds.process,
    peakMb: peakRssBytes / 1e6,
  };
  const missed = Object.entries(LIMITS)
    .filter(([name, limit]) => {
      const value = figures[name];
      return value === null || ('most' in limit ? value > limit.most : value < limit.least);
    })
    .map(([name]) => name);
  return { photo, figures, missed };
}

function run(args: string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

/** One line per photo; what misses its limit has a star. */
function table(rows: readonly Row[]): string {
  const names = Object.keys(rows.find(({ figures }) => figures)?.figures ?? {});
  const width = Math.max(5, ...rows.map(({ photo }) => photo.length)) + 2;
  const cells = (values: string[]) => values.map((value) => value.padStart(15)).join('');
  const line = ({ photo, error, figures, missed }: Row) => {
    if (!figures) return `${photo.padEnd(width)}${error}`;
    const value = (name: string) => `${figures[name]?.toPrecision(4) ?? 'none'}${missed.includes(name) ? '*' : ' '}`;
    return `${photo.padEnd(width)}${cells(names.map(value))}`;
  };
  return `${'photo'.padEnd(width)}${cells(names.map((name) => `${name} `))}\n${rows.map(line).join('\n')}\n`;
}

main().catch((error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
