import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { projectEnvironment } from '@implicit-faces/renderer-webgl';
import { isFaceError, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { createRandom } from '@implicit-faces/test-utils';
import { loadTopology } from '@implicit-faces/uv-param';
import { SphereGeometry } from 'three';
import { describe, expect, it } from 'vitest';
import { loadChart } from '../src/chart.js';
import { environmentLights, loadEnvironment } from '../src/synthetic/environment.js';
import { partMesh } from '../src/synthetic/head-meshes.js';
import { transportLight } from '../src/synthetic/light-transport.js';
import { plainImage } from '../src/synthetic/materials.js';
import { cameraPlace, loadPortraitGenerator, orbitCamera } from '../src/synthetic/portrait.js';
import { loadAtlasCheck, placesAt } from '../src/uv-metrics.js';

const DATA = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const present = existsSync(`${DATA}/hdri`) && existsSync(`${DATA}/skins`) && existsSync(`${DATA}/facekit`);
if (!present) console.warn(`\n!! ${DATA} is not there, so THE TESTS OF THE SYNTHETIC PORTRAITS DO NOT RUN.\n`);

const folder = fileURLToPath(new URL('../../face-model', import.meta.url));
const files = directoryFiles(folder);
/** A ball of triangles; its seam has two of each vertex, which its normals hardly feel. */
function sphereMesh(radius: number) {
  const { attributes, index } = new SphereGeometry(radius, 48, 32);
  return { positions: Float32Array.from(attributes.position.array), indices: Uint32Array.from(index!.array) };
}
const manifest = parseManifest(JSON.parse(await readFile(`${folder}/manifest.json`, 'utf8')));

describe('environmentLights', () => {
  const random = createRandom(3);
  const map = { data: random.uniforms(3 * 128 * 64, 0, 2).map((x) => x ** 4), width: 128, height: 64 };

  it('keeps all of the light, seed 3', () => {
    for (const count of [1, 16, 64]) {
      const lights = environmentLights(map, count);
      expect(lights.length).toBe(count);
      const mean = projectEnvironment(map).subarray(0, 3);
      for (let c = 0; c < 3; c++) {
        const sum = lights.reduce((total, { irradiance }) => total + irradiance[c], 0);
        // The constant harmonic's coefficient is the map's integral times Y_0.
        expect(sum * 0.282095).toBeCloseTo(mean[c], 1);
      }
    }
  });

  it('lights a matte ball as the map does, seed 3, and turns with it', () => {
    const ball = sphereMesh(0.05);
    const mesh = partMesh(
      'skin',
      ball.positions,
      ball.indices,
      new Float32Array((2 * ball.positions.length) / 3),
      plainImage([1, 1, 1]),
    );
    for (const rotation of [0, 1.3]) {
      const [{ shading }] = transportLight([mesh], [0], environmentLights(map, 96, rotation), [0, 0, 1]);
      const lighting = projectEnvironment(map, rotation);
      const errors: number[] = [];
      for (let n = 0; n < shading.length; n += 3) {
        const [x, y, z] = mesh.normals.subarray(n, n + 3);
        const Y = [
          0.282095,
          0.488603 * y,
          0.488603 * z,
          0.488603 * x,
          1.092548 * x * y,
          1.092548 * y * z,
          0.315392 * (3 * z * z - 1),
          1.092548 * x * z,
          0.546274 * (x * x - y * y),
        ];
        const expected = Y.reduce((sum, value, k) => sum + value * lighting[3 * k], 0);
        errors.push(Math.abs(shading[n] - expected) / expected);
      }
      expect(errors.reduce((a, b) => a + b) / errors.length).toBeLessThan(0.05);
    }
  });
});

it('a ball throws its shadow on the one behind it, and shines toward the camera', () => {
  const ball = (z: number, radius: number) => {
    const { positions, indices } = sphereMesh(radius);
    const moved = positions.map((x, i) => (i % 3 === 2 ? x + z : x));
    return partMesh('skin', moved, indices, new Float32Array((2 * positions.length) / 3), plainImage([1, 1, 1]));
  };
  const light = { direction: [0, 0, 1], irradiance: [Math.PI, Math.PI, Math.PI] } as const;
  const [near, far] = transportLight([ball(0.1, 0.06), ball(-0.1, 0.03)], [50, 0], [light], [0, 0, 2]);
  expect(Math.max(...near.shading)).toBeCloseTo(1, 1);
  expect(Math.max(...far.shading)).toBeLessThan(0.2);
  expect(Math.max(...near.gloss!)).toBeGreaterThan(0.1);
  expect(Math.max(...far.gloss!)).toBe(0);
});

it('a camera that orbits looks at its target from its place', () => {
  const camera = orbitCamera(0.4, 0.2, 0.1, 0.7, [0.01, 0.02, 0.03], 500, 200);
  const place = cameraPlace(camera);
  expect(Math.hypot(place[0] - 0.01, place[1] - 0.02, place[2] - 0.03)).toBeCloseTo(0.7, 6);
  // Negative yaw is the camera at the subject's left, positive pitch is above.
  expect(place[0]).toBeLessThan(0);
  expect(place[1]).toBeGreaterThan(0.02);
});

it('a map that is not there is a typed error that names it', async () => {
  const error = await loadEnvironment('/nowhere', 'lab').catch((thrown) => thrown);
  expect(isFaceError(error, 'DATA')).toBe(true);
  expect(error.message).toMatch(/nowhere.*lab\.hdr.*--data/);
});

it.skipIf(!present)('the chart of the generator agrees with the places that come with the model', async () => {
  const check = await loadAtlasCheck(files, manifest);
  const chart = await loadChart();
  const flat = new Float32Array((chart.length / 2) * 3).map((_, i) =>
    i % 3 < 2 ? chart[2 * Math.floor(i / 3) + (i % 3)] : 0,
  );
  const places = placesAt(check, flat);
  const worst = check.uv.reduce((most, x, i) => Math.max(most, Math.abs(x - places[3 * (i >> 1) + (i & 1)])), 0);
  expect(worst).toBeLessThan(2e-5);
});

describe.skipIf(!present)('portraits', async () => {
  const topology = await loadTopology({ files, manifest });
  const generator = present
    ? await loadPortraitGenerator({ data: DATA, manifest, topology, environments: ['lab'] })
    : (undefined as never);

  it('are the same for the same seed, and show a lit face', () => {
    const first = generator.create(4, { size: 96 });
    expect(generator.create(4, { size: 96 }).image.data).toEqual(first.image.data);
    expect(first.geometry.length).toBe(manifest.codes.geometry);
    expect(first.expression.length).toBe(manifest.codes.expression);
    let sum = 0;
    let count = 0;
    first.face.forEach((inside, i) => {
      if (!inside) return;
      count++;
      sum += first.image.data[4 * i + 1];
    });
    expect(count).toBeGreaterThan(0.08 * 96 * 96);
    expect(sum / count).toBeGreaterThan(50);
    expect(sum / count).toBeLessThan(230);
    expect(first.person.filter(Boolean).length).toBeGreaterThan(count);
  });

  it('differ with the seed, and a thing in front of a face takes of what is seen', () => {
    const plain = generator.create(5, { size: 96, occluder: 'none' });
    const glasses = generator.create(5, { size: 96, occluder: 'glasses' });
    expect(glasses.geometry).toEqual(plain.geometry);
    expect(glasses.face.filter(Boolean).length).toBeLessThan(plain.face.filter(Boolean).length);
    expect(generator.create(6, { size: 96 }).geometry).not.toEqual(plain.geometry);
  });
});
