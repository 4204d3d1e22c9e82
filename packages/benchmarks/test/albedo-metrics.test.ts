import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFaceError } from '@implicit-faces/runtime';
import { linearFromSrgb } from '@implicit-faces/uv-param';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { loadHeldOutSkins, loadSkinLookup } from '../src/albedo-metrics.js';

const home = mkdtempSync(join(tmpdir(), 'skins-'));
afterAll(() => rmSync(home, { recursive: true }));

it('the lookup is small, names six skins and is mirror symmetric like the chart', async () => {
  const fixture = fileURLToPath(new URL('../fixtures/skin-lookup.safetensors', import.meta.url));
  expect(statSync(fixture).size).toBeLessThan(100_000);
  const { uv, place, heldOut } = await loadSkinLookup();
  expect(new Set(heldOut).size).toBe(6);
  expect(uv.length).toBe(place.length);
  expect(uv.length / 2).toBeGreaterThan(4000);
  for (const values of [uv, place]) {
    expect(Math.min(...values)).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeLessThan(1);
  }
});

it('reads crops of skins at their places, in linear light', async () => {
  const size = 256;
  mkdirSync(join(home, 'skins'));
  // Red grows to the right and green downward over the whole texture; the crop starts at (64, 32).
  const pixels = Buffer.alloc(3 * 128 * 160);
  for (let y = 0; y < 160; y++) for (let x = 0; x < 128; x++) pixels.set([x + 64, y + 32, 50], 3 * (128 * y + x));
  await sharp(pixels, { raw: { width: 128, height: 160, channels: 3 } })
    .png()
    .toFile(join(home, 'skins', 'a_new_skin.png'));
  writeFileSync(
    join(home, 'skins', 'manifest.tsv'),
    `file\tsource_size_px\tcrop_left_px\tcrop_top_px\na_new_skin.png\t${size}\t64\t32\n`,
  );
  const place = Float32Array.of(0.5, 0.5, 0.6, 0.3);
  const [{ albedo }] = await loadHeldOutSkins(home, { uv: place, place, heldOut: ['new_skin'] });
  const expected = [0.5, 0.5, 0.6, 0.3].map((x) => linearFromSrgb((x * size - 0.5) / 255));
  expect(albedo).toBeCloseToTensor(
    Float32Array.of(
      expected[0],
      expected[1],
      linearFromSrgb(50 / 255),
      expected[2],
      expected[3],
      linearFromSrgb(50 / 255),
    ),
    1e-3,
  );
  const missing = await loadHeldOutSkins(home, { uv: place, place, heldOut: ['nobody'] }).catch((error) => error);
  expect(isFaceError(missing, 'DATA')).toBe(true);
});

it('says what to pass when the skins are not there', async () => {
  const error = await loadHeldOutSkins(join(home, 'nowhere'), await loadSkinLookup()).catch((thrown) => thrown);
  expect(isFaceError(error, 'DATA')).toBe(true);
  expect(error.message).toMatch(/--data/);
});
