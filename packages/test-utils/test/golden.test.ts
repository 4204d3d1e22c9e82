import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { compareWithGolden, type Picture } from '../src/golden.js';

const folder = mkdtempSync(join(tmpdir(), 'golden-'));
const file = join(folder, 'stored.png');
const [width, height] = [8, 4];

function grey(level: number, differing = 0): Picture {
  const data = new Uint8Array(4 * width * height).fill(level);
  for (let i = 0; i < differing; i++) data.set([255, 0, 0], 4 * i);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  return { data, width, height };
}

beforeAll(async () => {
  vi.stubEnv('UPDATE_GOLDEN', '1');
  await compareWithGolden(grey(128), file, { maxDiffPixels: 0 });
  vi.unstubAllEnvs();
  // An update asked for by whoever runs these tests is not meant for them.
  vi.stubEnv('UPDATE_GOLDEN', '');
});
afterEach(() => rmSync(join('out', 'golden', 'stored.png'), { force: true }));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('accepts the stored picture, and as many other pixels as are allowed', async () => {
  await compareWithGolden(grey(128), file, { maxDiffPixels: 0 });
  await compareWithGolden(grey(128, 3), file, { maxDiffPixels: 3 });
});

it('refuses more, and leaves expected, actual and difference side by side', async () => {
  await expect(compareWithGolden(grey(128, 4), file, { maxDiffPixels: 3 })).rejects.toThrow('4 pixels differ, 3 may');
  const strip = await sharp(join('out', 'golden', 'stored.png')).metadata();
  expect([strip.width, strip.height]).toEqual([3 * width, height]);
});

it('refuses another size and a missing file', async () => {
  await expect(compareWithGolden({ ...grey(128), width: 4, height: 8 }, file, { maxDiffPixels: 99 })).rejects.toThrow(
    '8 x 4',
  );
  await expect(compareWithGolden(grey(128), join(folder, 'none.png'), { maxDiffPixels: 99 })).rejects.toThrow(
    'missing',
  );
});
