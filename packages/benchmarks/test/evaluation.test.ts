import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFaceError, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { afterAll, describe, expect, it } from 'vitest';
import { loadChart, locateOnChart } from '../src/chart.js';
import { listPhotos, summarisePhotos } from '../src/photo-evaluation.js';
import { writeResults } from '../src/results-page.js';
import { type SyntheticFigures, summariseSynthetic } from '../src/synthetic-evaluation.js';
import { loadAtlasCheck } from '../src/uv-metrics.js';

const home = mkdtempSync(join(tmpdir(), 'evaluation-'));
afterAll(() => rmSync(home, { recursive: true }));

const face = (skin: number, albedoMae: number, psnr: number): SyntheticFigures => ({
  ...{ seed: 1, skin, occluder: 'none', environment: 'lab', medianMm: 1 + skin, meanHeadMedianMm: 2, nowMedianMm: 1 },
  ...{
    normalDeg: 5,
    expressionMae: 0.1,
    albedoMae,
    modelAlbedoMae: 0.1,
    relightPsnrDb: psnr,
    relightHarmonicsPsnrDb: psnr - 4,
  },
  novelPsnrDb: { '-45': psnr, '-30': psnr, '-15': psnr, 15: psnr, 30: psnr + 2, 45: psnr },
});
const photo = (name: string, nme: number | null, seconds: number) => ({
  ...{ photo: name, psnrDb: 30, modelPsnrDb: 20, ssim: 0.9, nme, projectedNme: 0.02 },
  ...{ identityFront: 0.4, identitySide: 0.5, seconds, peakRssBytes: seconds * 1e8 },
});

describe('summaries', () => {
  it('average the faces, take both sides of a view, and report the worst third of tone', () => {
    const all = summariseSynthetic([face(0, 0.01, 20), face(1, 0.03, 24), face(3, 0.05, 20), face(5, 0.02, 24)]);
    expect(all.medianMm).toBeCloseTo(1 + (0 + 1 + 3 + 5) / 4, 6);
    expect(all.albedoMaeByTone).toEqual([0.02, 0.05, 0.02]);
    expect(all.albedoMae).toBe(0.05);
    expect(all.novelPsnrDb30).toBe(23);
    expect(all.novelPsnrDb15).toBe(22);
  });

  it('leave photos without landmarks out of nme, and take median time and most memory', () => {
    const all = summarisePhotos([photo('a', 0.01, 1), photo('b', null, 9), photo('c', 0.03, 3)]);
    expect(all).toMatchObject({ nme: 0.02, seconds: 3, peakRssBytes: 9e8 });
  });

  it('become a page with what misses its aim in bold', async () => {
    const path = join(home, 'results.md');
    await writeResults(
      {
        ...{ model: 'some-model', preset: 'default', failed: ['d'] },
        synthetic: [face(0, 0.07, 30)],
        photos: [photo('a', 0.01, 1)],
      },
      path,
    );
    const page = await readFile(path, 'utf8');
    expect(page).toContain('| `albedoMae` | **0.07** | <= 0.06 |');
    expect(page).toContain('| `medianMm` | 1 | <= 1.3 |');
    expect(page).toContain('No avatar: d.');
  });
});

it('photos that are not there are a typed error that names the folder; others are listed in order', async () => {
  const error = await listPhotos(home).catch((thrown) => thrown);
  expect(isFaceError(error, 'DATA')).toBe(true);
  expect(error.message).toMatch(/photos cannot be read.*--data/);
  const photos = join(home, 'data', 'photos');
  await mkdir(photos, { recursive: true });
  await expect(listPhotos(join(home, 'data'))).rejects.toThrow(/holds no pictures/);
  for (const name of ['b.png', 'a.jpg', 'notes.txt']) writeFileSync(join(photos, name), '');
  expect(await listPhotos(join(home, 'data'))).toEqual([join(photos, 'a.jpg'), join(photos, 'b.png')]);
});

describe('locateOnChart', () => {
  it('finds places where the atlas has them', async () => {
    const folder = fileURLToPath(new URL('../../face-model', import.meta.url));
    const manifest = parseManifest(JSON.parse(await readFile(`${folder}/manifest.json`, 'utf8')));
    const check = await loadAtlasCheck(directoryFiles(folder), manifest);
    const chart = await loadChart();
    const uv = check.uv.subarray(0, 100);
    const { triangles, weights } = locateOnChart(uv, chart, check.triangles);
    for (let n = 0; n < 50; n++) {
      let [u, v] = [0, 0];
      for (let k = 0; k < 3; k++) {
        expect(weights[3 * n + k]).toBeGreaterThan(-1e-2);
        u += weights[3 * n + k] * chart[2 * triangles[3 * n + k]];
        v += weights[3 * n + k] * chart[2 * triangles[3 * n + k] + 1];
      }
      expect(Math.hypot(u - uv[2 * n], v - uv[2 * n + 1])).toBeLessThan(1e-5);
    }
  });
});
