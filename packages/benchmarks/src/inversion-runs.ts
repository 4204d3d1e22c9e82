import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaceError } from '@implicit-faces/runtime';

const CLI = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

export interface InversionRunOptions {
  preset: string;
  seed: number;
  /** Folder of another face model. */
  model?: string;
  /** Steps of pivotal tuning. */
  finetune?: number;
  /** Whether relief is looked for. */
  relief?: boolean;
}

/** What `report.json` of the command line says, as far as it is looked at here. */
export interface InversionReport {
  seconds: { total: number; process: number };
  peakRssBytes: number;
  image: { psnrDb: number; ssim: number; modelPsnrDb: number };
  landmarks: { nme: number | null; projectedNme: number };
}

/**
 * Inverts photos of a person by the built command line, in a process of its own, so that memory and time are those of a user.
 *
 * @param folder - for everything that the command writes.
 * @throws FaceError `RUN` with what the command said when it failed.
 */
export async function runInversion(
  photos: readonly string[],
  folder: string,
  { preset, seed, model, finetune, relief }: InversionRunOptions,
): Promise<InversionReport> {
  const args = ['invert', ...photos, '--out', folder, '--preset', preset, '--seed', String(seed), '--quiet'];
  if (model) args.push('--model', model);
  if (finetune) args.push('--finetune', String(finetune));
  if (relief) args.push('--relief');
  const { code, stderr } = await run(args);
  if (code !== 0) throw new FaceError('RUN', `invert ${photos.join(' ')}: exit code ${code}: ${stderr.trim()}`);
  return JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
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
