import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FaceModel, loadFaceModel, type PartMesh, renderAvatar, viewCamera } from '@implicit-faces/avatar';
import { loadLandmarker } from '@implicit-faces/landmarks';
import { modelFiles } from '@implicit-faces/landmarks/node';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import { SphereGeometry } from 'three';
import { afterAll, describe, expect, it } from 'vitest';
import { type AblationRun, ablationSummary, ablationText } from '../src/ablation-tables.js';
import { ABLATIONS, compareColours, createAblationRunner, measureOnPortrait } from '../src/ablations.js';
import { fitColourField, seenColours } from '../src/colour-field.js';
import type { FaceKit } from '../src/face-kit.js';
import { createLinearFaceModel } from '../src/linear-face-model.js';
import { writeAblations, writeResults } from '../src/results-page.js';
import { mean } from '../src/statistics.js';
import { loadPortraitGenerator } from '../src/synthetic/portrait.js';
import type { SyntheticFigures } from '../src/synthetic-evaluation.js';

const home = mkdtempSync(join(tmpdir(), 'ablations-'));
afterAll(() => rmSync(home, { recursive: true }));

const face = (medianMm: number, albedoMae: number): SyntheticFigures => ({
  ...{ seed: 1, skin: 4, occluder: 'none', environment: 'lab', medianMm, meanHeadMedianMm: 2, nowMedianMm: 1 },
  ...{
    normalDeg: 5,
    expressionMae: 0.1,
    albedoMae,
    modelAlbedoMae: 0.1,
    relightPsnrDb: 20,
    relightHarmonicsPsnrDb: 17,
  },
  novelPsnrDb: { '-45': 20, '-30': 22, '-15': 24, 15: 24, 30: 23, 45: 20 },
});
const photo = (nme: number | null) => ({
  ...{ photo: 'a', psnrDb: 30, modelPsnrDb: 20, ssim: 0.9, nme, projectedNme: 0.02, seconds: 8 },
});
const colours = {
  albedoMae: 0.1,
  expressionAlbedoMae: 0.1,
  faceAlbedoMae: 0.1,
  expressionSlipMm: 0.5,
  faceSlipMm: 0.6,
};
const run: AblationRun = {
  ...{ model: 'some-model', preset: 'default', failed: ['1000003 noLandmarks'] },
  rows: [
    {
      name: 'full',
      label: 'everything',
      synthetic: [face(1, 0.1), face(2, 0.123456)],
      photos: [photo(0.01), photo(null)],
    },
    { name: 'noEncoder', label: 'no encoder', synthetic: [face(2, 0.1)], photos: [photo(null)] },
  ],
  colours: [
    { uv: colours, field: { ...colours, faceSlipMm: 4 } },
    { uv: colours, field: { ...colours, faceSlipMm: 6 } },
  ],
};

describe('tables of ablations', () => {
  it('as JSON have an entry per ablation, and those of the whole inversion in front', () => {
    const { ablations, ...rest } = ablationSummary(run) as {
      ablations: Record<string, Record<'synthetic' | 'photos', Record<string, number | null>>>;
      [key: string]: unknown;
    };
    expect(ablations.full.synthetic).toEqual({
      ...{ medianMm: 1.5, nowMedianMm: 1, novelPsnrDb30: 22.5, albedoMae: 0.1117, relightPsnrDb: 20, faces: 2 },
    });
    expect(ablations.full.photos).toEqual({
      ...{ psnrDb: 30, modelPsnrDb: 20, nme: 0.01, projectedNme: 0.02, seconds: 8, count: 2 },
    });
    expect(ablations.noEncoder.photos.nme).toBeNull();
    expect(rest).toMatchObject({ synthetic: ablations.full.synthetic, photos: ablations.full.photos });
    expect(rest.colours).toEqual({ uv: colours, field: { ...colours, faceSlipMm: 5 } });
    expect(rest.failed).toEqual(['1000003 noLandmarks']);
  });

  it('as text have a line per ablation, with dashes for what was not measured', () => {
    const lines = ablationText(run).split('\n');
    expect(lines[0].trim().split(/ +/).slice(0, 3)).toEqual(['medianMm', 'nowMedianMm', 'novelPsnrDb30']);
    expect(lines[1]).toMatch(/^full +1\.5 +1 +22\.5 +0\.1117 +20 +30 +20 +0\.01 +0\.02 +8 *$/);
    expect(lines[2]).toMatch(/^noEncoder +2 .* - +0\.02 +8 *$/);
    expect(lines.find((line) => line.startsWith('faceSlipMm'))).toMatch(/^faceSlipMm +0\.6 +5 *$/);
  });

  it('take their sections of the page, and leave the others', async () => {
    const path = join(home, 'results.md');
    const plain = { model: 'some-model', preset: 'best', synthetic: [face(1.1, 0.02)], photos: [], failed: [] };
    await writeResults(plain, path);
    await writeAblations(run, path, 'images/ablations.jpg');
    await writeAblations({ ...run, rows: run.rows.slice(0, 1), colours: [] }, path);
    await writeResults({ ...plain, preset: 'default', synthetic: [face(1.4, 0.02)] }, path);
    const page = await readFile(path, 'utf8');
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['Synthetic portraits', 'Preset best', 'Ablations', 'Texture or colour(x)']);
    expect(page).toContain('| `medianMm` | 1.1 | <= 1.2 |');
    expect(page).toContain('| `medianMm` | **1.4** | <= 1.3 |');
    expect(page).toContain('| everything | 1.5 | 1 | 22.5 | 0.112 | 20 | 30 | 20 | 0.01 | 0.02 | 8 |');
    expect(page).toContain('| colour(x) | 0.1 | 0.1 | 0.1 | 0.5 | 5 |');
    // The second run of ablations took the first one's place.
    expect(page).not.toContain('ablations.jpg');
    expect(page.match(/^# /gm)).toHaveLength(1);
    // A page of an older version has no sections that could be told apart from text before them.
    await writeFile(path, 'something else');
    await writeResults(plain, path);
    expect(await readFile(path, 'utf8')).not.toContain('something else');
  });
});

/** A mesh of a ball of radius 0.1 whose texture coordinates are the sphere's. */
function ball(): PartMesh {
  const { attributes, index } = new SphereGeometry(0.1, 64, 48);
  return {
    name: 'skin',
    positions: Float32Array.from(attributes.position.array),
    normals: Float32Array.from(attributes.normal.array),
    uvs: Float32Array.from(attributes.uv.array),
    indices: Uint32Array.from(index!.array),
    image: { data: new Uint8ClampedArray([180, 120, 90, 255]), width: 1, height: 1 },
  };
}

describe('a colour field', () => {
  it('has the colours that it was fitted to, and goes on smoothly between and beyond them', () => {
    const random = createRandom(3);
    const colour = ([x, y]: number[]) => [0.3 + x, 0.3 + 2 * y, 0.2];
    const points = random.uniforms(3 * 4000, -0.05, 0.05);
    const logAlbedo = new Float32Array(points.length);
    for (let i = 0; i < points.length; i += 3) {
      logAlbedo.set(colour([points[i], points[i + 1]]).map(Math.log), i);
    }
    const field = fitColourField({ points, logAlbedo, weights: new Float32Array(4000).fill(1) });
    const error = (places: Float32Array) =>
      mean(
        field.sample(places).map((v, i) => Math.abs(v - colour([places[i - (i % 3)], places[i - (i % 3) + 1]])[i % 3])),
      );
    expect(error(points)).toBeLessThan(0.003);
    expect(error(random.uniforms(3000, -0.05, 0.05))).toBeLessThan(0.01);
    const far = field.sample(new Float32Array([0.2, 0.2, 0.2, -0.3, 9, 0]));
    expect(far.every((v) => v > 0.05 && v < 0.9)).toBe(true);
  });

  it('does not see samples without weight', () => {
    const points = createRandom(4).uniforms(300, -0.05, 0.05);
    const logAlbedo = new Float32Array(300).fill(Math.log(0.4));
    const weights = Float32Array.from({ length: 100 }, (_, n) => n % 2);
    const spoilt = logAlbedo.map((v, i) => (weights[Math.floor(i / 3)] ? v : 0));
    const field = fitColourField({ points, logAlbedo: spoilt, weights });
    expect(field.sample(points.subarray(3, 6))).toBeCloseToTensor([0.4, 0.4, 0.4], 1e-3);
  });

  it('takes the albedo of a lit ball from its picture, on both of its sides', () => {
    const mesh = ball();
    const camera = viewCamera(35, { size: 120 });
    const lighting = new Float32Array(27).map((_, i) => (i < 3 ? 2.5 : i < 9 ? 0.5 : 0));
    const picture = renderAvatar([mesh], camera, lighting, { width: 120, height: 120, background: [0, 0, 0] });
    const samples = seenColours(picture, picture.mask, [mesh], { camera, lighting });
    expect(samples.weights.length).toBeGreaterThan(1000);
    const albedo = [180, 120, 90].map((v) => ((v / 255 + 0.055) / 1.055) ** 2.4);
    const field = fitColourField(samples);
    // One place turned to the camera, and its mirror image, which the camera does not see.
    const seen = [0.0574, 0, 0.0819];
    const found = field.sample(Float32Array.from([...seen, -seen[0], seen[1], seen[2]]));
    expect(found).toBeCloseToTensor([...albedo, ...albedo], { relative: 0.05 });
  });
});

describe('a linear mesh in the model’s place', () => {
  const chart = new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]);
  const corners = [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0];
  // Moved as a whole by the first two codes, bent by the third, which is an expression.
  const kit = {
    openSkin: new Uint32Array([0, 1, 2, 2, 1, 3]),
    linearSum: ([a, b]: Float32Array, [c]: Float32Array) =>
      Float32Array.from(corners, (x, i) => x + [a, b, i === 11 ? c : 0][i % 3]),
  } as unknown as FaceKit;
  const codes = { geometry: 2, expression: 1 };
  const model = { manifest: { codes }, uv: { albedo: 'of the model' } } as unknown as FaceModel;
  const { uv, manifest } = createLinearFaceModel(model, kit, chart);
  const at = Float32Array.from([0.25, 0.25, 1, 1, 0.75, 0.5]);

  it('is where the basis puts its triangles, and is the model otherwise', async () => {
    const posed = { geometry: new Float32Array([2, 3]), expression: new Float32Array([4]) };
    const points = await uv.surfaceFromUv(at, posed);
    expect(points).toBeCloseToTensor([2.25, 3.25, 0, 3, 4, 4, 2.75, 3.5, 1], 1e-6);
    const out = new Float32Array(9);
    expect(await uv.surfaceFromUv(at, posed, out)).toBe(out);
    expect(out).toEqual(points);
    expect([uv.albedo, manifest.codes]).toEqual(['of the model', codes]);
  });

  it('has the Jacobian of that', async () => {
    const rest = { geometry: new Float32Array(2), expression: new Float32Array(1) };
    const { points, jacobian } = await uv.surfaceJacobian(at, rest);
    expect(points).toEqual(await uv.surfaceFromUv(at, rest));
    const bent = [0, 1, 0.25];
    expect(jacobian).toBeCloseToTensor(
      bent.flatMap((z) => [1, 0, 0, 0, 1, 0, 0, 0, z]),
      1e-6,
    );
  });
});

const DATA = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const present = ['hdri', 'skins', 'facekit'].every((folder) => existsSync(join(DATA, folder)));
if (!present) console.warn(`\n!! ${DATA} is not there, so NO SYNTHETIC FACE IS INVERTED WITHOUT ITS PARTS.\n`);

it.skipIf(!present)(
  'paint slips off a face in a colour field and not in a texture; the rest of the inversion stays',
  { timeout: 900_000 },
  async () => {
    const folder = fileURLToPath(new URL('../../face-model', import.meta.url));
    const manifest = parseManifest(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
    const model = await loadFaceModel({ ort, files: directoryFiles(folder), manifest, threads: 1 });
    const landmarks = await loadLandmarker({ ort, files: modelFiles() });
    const generator = await loadPortraitGenerator({ data: DATA, manifest, topology: model.uv.topology });
    const runner = createAblationRunner({ model, generator, ort, landmarks, preset: 'fast', seed: 0 });
    const portrait = generator.create(1_000_002);
    const [whole, inField] = ['full', 'colourField'].map((name) => ABLATIONS.find((one) => one.name === name)!);
    const [avatar, coloured] = [
      await runner.invert(portrait.image, whole),
      await runner.invert(portrait.image, inField),
    ];
    expect(coloured.geometryCode).toEqual(avatar.geometryCode);
    expect(coloured.albedo).not.toEqual(avatar.albedo);
    const { uv, field } = await compareColours({ model, generator }, portrait, avatar);
    for (const key of ['expressionSlipMm', 'faceSlipMm'] as const) expect(field[key]).toBeGreaterThan(2 * uv[key]);
    const figures = await measureOnPortrait(model, generator, portrait, coloured);
    expect(figures.albedoMae).toBeCloseTo(field.albedoMae, 2);
    await Promise.all([model.dispose(), landmarks.dispose()]);
  },
);
