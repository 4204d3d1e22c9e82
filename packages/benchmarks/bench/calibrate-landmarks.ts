// `pnpm --filter @implicit-faces/benchmarks calibrate:landmarks -- DATA [COUNT]`: where on our chart the landmark network puts its 468 points, on the average of synthetic portraits.
// The network's points are habits, not anatomy: places that were carried over from its canonical mesh are off by millimetres in a direction of their own each, which an inversion takes for shape.
// Writes packages/face-model/training/landmark-places.safetensors, which training/topology.py ships. Portraits are those of training: low seeds, skins and maps that evaluation does not see.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectPoints } from '@implicit-faces/avatar';
import { LEFT_EYE_OUTER, loadLandmarker, RIGHT_EYE_OUTER } from '@implicit-faces/landmarks';
import { modelFiles } from '@implicit-faces/landmarks/node';
import { isFaceError, parseManifest, writeSafetensors } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { loadTopology } from '@implicit-faces/uv-param';
import * as ort from 'onnxruntime-node';
import { loadSkinLookup } from '../src/albedo-metrics.js';
import { locateOnChart } from '../src/chart.js';
import { mean } from '../src/statistics.js';
import { HELD_OUT_MAPS } from '../src/synthetic/environment.js';
import { loadPortraitGenerator } from '../src/synthetic/portrait.js';
import { placesAt } from '../src/uv-metrics.js';

const MODEL = fileURLToPath(new URL('../../face-model', import.meta.url));
const OUT = join(MODEL, 'training/landmark-places.safetensors');
/** Turned further, a face's contour hides the landmarks that lie on it. */
const YAW = 30;
const ITERATIONS = 3;
/** Of a difference, and of a place around where the canonical mesh has it; in the chart's unit. */
const STEP = 2e-3;
const PLACE_SIGMA = 0.02;
/** Of a detected point, over the outer-eye distance. */
const POINT_SIGMA = 0.025;

const [data, count = '40'] = process.argv.slice(2);
const manifest = parseManifest(JSON.parse(await readFile(join(MODEL, 'manifest.json'), 'utf8')));
const topology = await loadTopology({ files: directoryFiles(MODEL), manifest });
ort.env.logLevel = 'error';
const landmarks = await loadLandmarker({ ort, files: modelFiles() });
const names = (files: string[], ending: RegExp) =>
  files.filter((file) => ending.test(file)).map((file) => file.replace(ending, ''));
const { heldOut } = await loadSkinLookup();
const skins = names(await readdir(join(data, 'skins')), /\.jpg$/)
  .filter((name) => !heldOut.some((held) => name.includes(held)))
  .filter((_, i) => i % 3 === 0);
const maps = names(await readdir(join(data, 'hdri')), /\.hdr$/).filter(
  (name) => !(HELD_OUT_MAPS as readonly string[]).includes(name),
);
const generator = await loadPortraitGenerator({ data, manifest, topology, skins, environments: maps });

const views: {
  positions: Float32Array;
  camera: Parameters<typeof projectPoints>[0];
  points: Float32Array;
  scale: number;
}[] = [];
for (let seed = 0; seed < Number(count); seed++) {
  const { image, positions, camera } = generator.create(seed, { yaw: YAW, occluder: 'none' });
  try {
    const { points } = await landmarks.detect(image);
    const [a, b] = [3 * LEFT_EYE_OUTER, 3 * RIGHT_EYE_OUTER];
    views.push({ positions, camera, points, scale: Math.hypot(points[a] - points[b], points[a + 1] - points[b + 1]) });
  } catch (error) {
    if (!isFaceError(error, 'NO_FACE')) throw error;
  }
  process.stderr.write(`${seed + 1} of ${count}\r`);
}

const start = topology.landmarks[468];
const places = start.slice();
const mirror = mirrorOf(start);
for (let iteration = 0; iteration <= ITERATIONS; iteration++) {
  const at = [places, moved(places, 0), moved(places, 1)].map((uv) =>
    locateOnChart(uv, generator.chart, generator.kit.openSkin),
  );
  const normal = new Float64Array(3 * 468);
  const right = places.map((x, i) => (start[i] - x) / PLACE_SIGMA ** 2);
  for (let n = 0; n < 468; n++) normal.set([PLACE_SIGMA ** -2, 0, PLACE_SIGMA ** -2], 3 * n);
  const errors: number[] = [];
  for (const { positions, camera, points, scale } of views) {
    const [here, alongU, alongV] = at.map((check) => projectPoints(camera, placesAt(check, positions)));
    for (let n = 0; n < 468; n++) {
      const r = [0, 1].map((k) => (points[3 * n + k] - here[3 * n + k]) / scale);
      const u = [0, 1].map((k) => (alongU[3 * n + k] - here[3 * n + k]) / scale / STEP);
      const v = [0, 1].map((k) => (alongV[3 * n + k] - here[3 * n + k]) / scale / STEP);
      errors.push(Math.hypot(...r));
      // A few misplaced points must not decide (Geman-McClure).
      const w = POINT_SIGMA ** -2 / (1 + (r[0] ** 2 + r[1] ** 2) / (4 * POINT_SIGMA ** 2)) ** 2;
      normal[3 * n] += w * (u[0] ** 2 + u[1] ** 2);
      normal[3 * n + 1] += w * (u[0] * v[0] + u[1] * v[1]);
      normal[3 * n + 2] += w * (v[0] ** 2 + v[1] ** 2);
      right[2 * n] += w * (u[0] * r[0] + u[1] * r[1]);
      right[2 * n + 1] += w * (v[0] * r[0] + v[1] * r[1]);
    }
  }
  process.stderr.write(`mean error over the outer-eye distance: ${mean(errors).toFixed(4)}\n`);
  if (iteration === ITERATIONS) break;
  const step = new Float32Array(2 * 468);
  for (let n = 0; n < 468; n++) {
    const [a, b, c] = normal.subarray(3 * n, 3 * n + 3);
    const det = a * c - b * b;
    step.set([(c * right[2 * n] - b * right[2 * n + 1]) / det, (a * right[2 * n + 1] - b * right[2 * n]) / det], 2 * n);
  }
  // Left and right alike, as the chart is.
  for (let n = 0; n < 468; n++) {
    places[2 * n] += (step[2 * n] - step[2 * mirror[n]]) / 2;
    places[2 * n + 1] += (step[2 * n + 1] + step[2 * mirror[n] + 1]) / 2;
  }
}
await writeFile(OUT, writeSafetensors({ uv468: { dims: [468, 2], data: places } }));
process.stderr.write(`${OUT}\n`);
await landmarks.dispose();

function moved(uv: Float32Array, axis: number): Float32Array {
  return uv.map((x, i) => (i % 2 === axis ? x + STEP : x));
}

/** The landmark that is nearest to each one's mirror image. */
function mirrorOf(uv: Float32Array): Int32Array {
  return Int32Array.from({ length: uv.length / 2 }, (_, n) => {
    let [best, least] = [n, Number.POSITIVE_INFINITY];
    for (let m = 0; m < uv.length / 2; m++) {
      const distance = Math.hypot(uv[2 * m] - (1 - uv[2 * n]), uv[2 * m + 1] - uv[2 * n + 1]);
      if (distance < least) [best, least] = [m, distance];
    }
    return best;
  });
}
