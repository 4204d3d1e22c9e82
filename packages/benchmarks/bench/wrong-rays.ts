// `node .scripts/pnpm.mjs --filter @implicit-faces/benchmarks bench:wrong-rays --data DATA --out DIR [--faces N] [--seed N] [--model DIR]`: the rays that
// evaluate:model counts as wrong, one by one, where on the head they are and why they are wrong. Every ray is held against the field's values along it and against
// all crossings of the true head. Writes DIR/rays.json, and DIR/rays.png with their places on the neutral head.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { type Field, loadSdfModel, modelField } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { type FaceKit, loadFaceKit, NARROW_FACE_END, SKIN_END } from '../src/face-kit.js';
import { createTestSet } from '../src/test-set.js';
import { cameraRays, GRAZING, type TrueHead, traceCameras, type WrongRay } from '../src/trace-metrics.js';
import { type Crossing, TriangleSurface } from '../src/triangle-surface.js';

const MODEL = fileURLToPath(new URL('../../face-model', import.meta.url));
const TEST_SET_SEED = 20231;
const CAUSES = {
  truth: 'the true head is met on its inner side first, an open border or a fold, or outside of the volume',
  steps: 'the tracer ran out of steps',
  tracer: 'the field changes sign more than .3 mm in front of what the tracer found',
  clipped:
    'the ray cuts an edge, a rim or a bulge of the true head by less than the .7 mm that 95 % of the face is off by, and meets no zero set there',
  surface: 'the zero set is elsewhere',
};
type Cause = keyof typeof CAUSES;
const COLOURS: Record<Cause, string> = {
  truth: 'blue',
  steps: 'cyan',
  tracer: 'lime',
  clipped: 'orange',
  surface: 'red',
};

/** What the field is looked at along a ray: from before the true surface to behind it, in steps. Metres. */
const [BEFORE, BEHIND, STEP] = [0.01, 0.03, 1e-4];
/** The tracer's tolerance to a sign that changes earlier; the true surface's, that a ray must pass under to count as more than clipped. */
const EARLIER = 3e-4;
const CLIP = 7e-4;
/** A ray through more than this much of the true head is no clip of an edge, however shallow. */
const LONGEST_CLIP = 0.03;
const DEPTH_SAMPLES = 24;
/** By how much a surface that lies within the true one everywhere would lose how many rays, millimetres. */
const SHRUNK = [0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.7];
/** How far from the rim of the neck is still called rim; where ears begin, beside the head's middle; where the neck begins. */
const [RIM, EARS, NECK] = [0.012, 0.065, -0.09];

interface ExplainedRay extends WrongRay {
  face: number;
  region: string;
  cause: Cause;
  /** Metres by which the true solid is entered where the ray first meets it, and the field's least value there. */
  depth: number;
  least: number;
  /** The triangle that the ray should have met, -1 where none. */
  triangle: number;
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    model: { type: 'string', default: MODEL },
    faces: { type: 'string', default: '64' },
    seed: { type: 'string', default: '1' },
  },
});
if (!values.data || !values.out) throw new Error('bench:wrong-rays: --data and --out are needed');
const manifest = parseManifest(JSON.parse(await readFile(`${values.model}/manifest.json`, 'utf8')));
const kit = await loadFaceKit(values.data);
const model = await loadSdfModel({ ort, files: directoryFiles(values.model), manifest, threads: 1 });
const truth = { skin: new TriangleSurface(kit.neutral, kit.skin), all: new TriangleSurface(kit.neutral, kit.all) };
const regionOf = regions(kit);
const found: ExplainedRay[] = [];
const shrunk = { rays: 0, lost: SHRUNK.map(() => 0) };
let rays = 0;
for (const [index, codes] of createTestSet(manifest, kit.expressionNames, TEST_SET_SEED)
  .slice(0, Number(values.faces))
  .entries()) {
  const positions = kit.pose(codes.geometry, codes.expression);
  truth.skin.move(positions);
  truth.all.move(positions);
  const seed = Number(values.seed) + index;
  const trace = await traceCameras(model, codes, truth, index, createRandom(seed));
  rays += trace.rays;
  for (const ray of trace.wrong)
    found.push({ ...ray, face: index, ...(await explain(modelField(model, codes), truth, ray)) });
  countShrunk(cameraRays(index, manifest.bounds, createRandom(seed)));
  process.stderr.write(`face ${index}: ${trace.wrong.length} of ${trace.rays}\n`);
}
await model.dispose();

const share = (count: number, all: number) => `${((100 * count) / all).toFixed(3)} %`;
process.stdout.write(`${found.length} of ${rays} rays are wrong, ${share(found.length, rays)}\n`);
for (const [cause, meaning] of Object.entries(CAUSES)) process.stdout.write(`${cause.padEnd(8)} ${meaning}\n`);
const count = (region: string, cause: string) => found.filter((r) => r.region === region && r.cause === cause).length;
console.table(
  Object.fromEntries(
    [...new Set(found.map((ray) => ray.region))]
      .sort()
      .map((region) => [region, Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, count(region, cause)]))]),
  ),
);
process.stdout.write('A zero set that lay within the true skin everywhere by so much would miss so many rays:\n');
console.table(Object.fromEntries(SHRUNK.map((mm, k) => [`${mm} mm`, share(shrunk.lost[k], shrunk.rays)])));
await mkdir(values.out, { recursive: true });
const typedArrays = (_: string, value: unknown) => (ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value);
await writeFile(join(values.out, 'rays.json'), JSON.stringify(found, typedArrays));
await draw(found, join(values.out, 'rays.png'));

/** Why a ray is wrong. */
async function explain(field: Field, { skin, all }: TrueHead, ray: WrongRay) {
  const crossings = all.crossings(ray.origin, ray.direction);
  const first = crossings.at(0);
  const nearest = Math.min(ray.trueT, ray.t);
  const along = await field(places(ray, nearest - BEFORE, STEP, Math.round((BEFORE + BEHIND) / STEP)));
  const sign = nearest - BEFORE + STEP * along.findIndex((d) => d < 0);
  const { depth, from, to } = firstClip(skin, ray);
  const least = along.reduce((low, d, i) => {
    const t = nearest - BEFORE + STEP * i;
    return t > from - CLIP && t < to + CLIP ? Math.min(low, d) : low;
  }, Number.POSITIVE_INFINITY);
  const place = places(ray, nearest, 0, 1);
  const inside = place.every((x, k) => x > manifest.bounds.min[k] && x < manifest.bounds.max[k]);
  const cause: Cause =
    (first && !first.entering) || !inside
      ? 'truth'
      : ray.exhausted
        ? 'steps'
        : along.some((d) => d < 0) && sign < ray.t - EARLIER
          ? 'tracer'
          : ray.verdict !== 'stray' && depth < CLIP && least > 0
            ? 'clipped'
            : 'surface';
  return { region: regionOf(first), cause, depth, least, triangle: first?.triangle ?? -1 };
}

/** How deep the ray is within the true skin at most between its first two crossings, and where these are. Metres; Infinity where it goes through more than an edge. */
function firstClip(skin: TriangleSurface, { origin, direction }: Pick<WrongRay, 'origin' | 'direction'>) {
  const [enter, leave] = skin.crossings(origin, direction);
  const [from, to] = [enter?.t ?? Number.POSITIVE_INFINITY, leave?.t ?? Number.POSITIVE_INFINITY];
  if (!(to - from < LONGEST_CLIP)) return { depth: Number.POSITIVE_INFINITY, from, to };
  const step = (to - from) / DEPTH_SAMPLES;
  const depth = Math.max(...skin.distances(places({ origin, direction }, from + step / 2, step, DEPTH_SAMPLES)));
  return { depth, from, to };
}

/** Rays of one face that a skin within the true one would lose: those that nowhere on their first way through it are as deep. */
function countShrunk({ origins, directions }: { origins: Float32Array; directions: Float32Array }): void {
  const { t, cosine } = truth.skin.hits(origins, directions);
  for (let i = 0; i < t.length; i++) {
    if (!Number.isFinite(t[i]) || cosine[i] < GRAZING) continue;
    shrunk.rays++;
    const [origin, direction] = [origins, directions].map((rows) => rows.subarray(3 * i, 3 * i + 3));
    const { depth } = firstClip(truth.skin, { origin, direction });
    SHRUNK.forEach((mm, k) => {
      if (1000 * depth < mm) shrunk.lost[k]++;
    });
  }
}

/** Points on a ray from `t` on. `[N, 3]` */
function places(ray: Pick<WrongRay, 'origin' | 'direction'>, t: number, step: number, total: number): Float32Array {
  return Float32Array.from(
    { length: 3 * total },
    (_, i) => ray.origin[i % 3] + (t + step * Math.floor(i / 3)) * ray.direction[i % 3],
  );
}

/** Names what a crossing meets. */
function regions({ neutral, skin, all, rim }: FaceKit): (crossing?: Crossing) => string {
  const vertex = (v: number) => neutral.subarray(3 * v, 3 * v + 3);
  const middle = neutral.length / 3 - 1;
  return (crossing) => {
    if (!crossing) return 'air';
    if (3 * crossing.triangle >= skin.length) return 'eyes, teeth, tongue';
    const corners = [...all.subarray(3 * crossing.triangle, 3 * crossing.triangle + 3)];
    if (corners.includes(middle)) return 'floor';
    if (corners.some((v) => v >= SKIN_END)) return 'wall';
    const near = (v: number) => [...rim].some((r) => Math.hypot(...vertex(r).map((x, k) => x - vertex(v)[k])) < RIM);
    if (corners.some(near)) return 'rim';
    const [x, y] = vertex(corners[0]);
    if (y < NECK) return 'neck';
    if (corners.every((v) => v < NARROW_FACE_END)) return 'face';
    return Math.abs(x) > EARS ? 'ears and behind' : 'head';
  };
}

/** Draws where rays are wrong on the neutral head, from four sides. */
async function draw(wrong: readonly ExplainedRay[], path: string): Promise<void> {
  const [width, height, perMetre] = [420, 480, 1350];
  truth.all.move(kit.neutral);
  const views = await Promise.all(
    [0, 90, -90, 180].map(async (degrees) => {
      const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
      const direction = [-sin, 0, -cos];
      const origins = Float32Array.from({ length: 3 * width * height }, (_, i) => {
        const pixel = Math.floor(i / 3);
        const across = ((pixel % width) - width / 2) / perMetre;
        return [across * cos + sin, (height * 0.46 - Math.floor(pixel / width)) / perMetre, cos - across * sin][i % 3];
      });
      const { t, cosine } = truth.all.hits(
        origins,
        origins.map((_, i) => direction[i % 3]),
      );
      const grey = Buffer.from(cosine.map((c, i) => (Number.isFinite(t[i]) ? 50 + 180 * c : 30)));
      const dots = wrong
        .filter(({ triangle }) => triangle >= 0)
        .map(({ triangle, cause }) => {
          const corners = kit.all.subarray(3 * triangle, 3 * triangle + 3);
          const [x, y, z] = [0, 1, 2].map((k) => corners.reduce((sum, v) => sum + kit.neutral[3 * v + k] / 3, 0));
          const column = width / 2 + perMetre * (x * cos - z * sin);
          const row = height * 0.46 - perMetre * y;
          const pixel = Math.round(row) * width + Math.round(column);
          const hidden = 1 - (x * sin + z * cos) > t[pixel] + 0.01;
          return hidden ? '' : `<circle cx="${column}" cy="${row}" r="3" fill="${COLOURS[cause]}" stroke="black"/>`;
        });
      const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${dots.join('')}</svg>`;
      return sharp(grey, { raw: { width, height, channels: 1 } })
        .toColourspace('srgb')
        .composite([{ input: Buffer.from(picture) }])
        .png()
        .toBuffer();
    }),
  );
  await sharp({ create: { width: 4 * width, height, channels: 3, background: 'black' } })
    .composite(views.map((input, k) => ({ input, left: k * width, top: 0 })))
    .png()
    .toFile(path);
}
