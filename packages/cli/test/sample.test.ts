import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAvatar } from '@implicit-faces/avatar';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from './helpers/run-cli.js';

const TINY_MODEL = fileURLToPath(new URL('../../test-utils/fixtures/tiny-face-model', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sample-'));
afterAll(() => rmSync(home, { recursive: true }));

/** Each run loads the whole program, on a machine that may be doing other things. */
const TIMEOUT_MS = 300_000;

describe('implicit-faces sample', { timeout: TIMEOUT_MS }, () => {
  it('writes a sheet and avatars, the same for the same seed', async () => {
    const draw = async (name: string, seed: string) => {
      const out = join(home, name);
      const args = ['--count', '3', '--seed', seed, '--size', '32', '--avatars', '--model', TINY_MODEL, '--out', out];
      const { code, stderr } = await runCli(['sample', ...args], home);
      expect([code, stderr]).toEqual([0, '']);
      return out;
    };
    const out = await draw('a', '5');
    expect(readdirSync(out).sort()).toEqual([
      '01.avatar.safetensors',
      '02.avatar.safetensors',
      '03.avatar.safetensors',
      'samples.png',
    ]);
    const { width, height } = await sharp(join(out, 'samples.png')).metadata();
    expect([width, height]).toEqual([64, 64]);
    const again = await draw('b', '5');
    expect(readFileSync(join(again, 'samples.png'))).toEqual(readFileSync(join(out, 'samples.png')));
    const [first, second] = ['01', '02'].map((n) =>
      loadAvatar(new Uint8Array(readFileSync(join(out, `${n}.avatar.safetensors`)))),
    );
    expect(first.geometryCode).not.toEqual(second.geometryCode);
  });

  it.each([
    ['--count', '0'],
    ['--model', home],
  ])('refuses %s %s in one line, and writes nothing', async (...args) => {
    const out = join(home, 'nothing');
    const { code, stderr } = await runCli(['sample', '--out', out, ...args], home);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(out)).toBe(false);
  });
});
