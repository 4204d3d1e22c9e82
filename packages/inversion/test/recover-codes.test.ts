import { computeNormals, type FaceModel } from '@implicit-faces/avatar';
import { createExpression } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { REGIONS, sampleChartMap } from '@implicit-faces/uv-param';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFaceError, LEAST_POINTS, recoverCodes, recoverTextureCodes, type SurfaceScan } from '../src/index.js';
import { hasShippedModel, loadShippedModel, loadTinyModel } from './helpers/models.js';

const TIMEOUT_MS = 300_000;

/** Vertices of the face in random order and with their true normals: what a scan would show. */
async function scanFace(model: FaceModel, geometry: Float32Array, expression: Float32Array, count: number, seed = 3) {
  const random = createRandom(seed);
  const { skin, regions } = model.uv.topology;
  const positions = await model.uv.surfaceFromUv(skin.uv, { geometry, expression });
  const normals = computeNormals(positions, skin.triangles);
  const region = sampleChartMap(regions, skin.uv);
  const face = Array.from(region, (_, v) => v).filter((v) => region[v] === REGIONS.face || region[v] === REGIONS.lips);
  const scan: SurfaceScan = { points: new Float32Array(3 * count), normals: new Float32Array(3 * count) };
  for (let i = 0; i < count; i++) {
    const v = face[random.integer(face.length)];
    scan.points.set(positions.subarray(3 * v, 3 * v + 3), 3 * i);
    scan.normals.set(normals.subarray(3 * v, 3 * v + 3), 3 * i);
  }
  return scan;
}

describe.skipIf(!hasShippedModel)('codes of scans of the shipped model', () => {
  let model: FaceModel;
  beforeAll(async () => {
    model = await loadShippedModel();
  }, TIMEOUT_MS);
  afterAll(() => model?.dispose());

  it(
    'are found from two expressions, and carry a third to the same face',
    async () => {
      const { manifest } = model;
      const random = createRandom(11);
      const geometry = Float32Array.from({ length: manifest.codes.geometry }, () => random.normal());
      const expressions = [
        createExpression(manifest, { mouthSmile_L: 0.8, mouthSmile_R: 0.8 }),
        createExpression(manifest, { jawOpen: 0.6 }),
      ];
      const scans = await Promise.all(expressions.map((expression) => scanFace(model, geometry, expression, 500)));
      const shares: number[] = [];
      const found = await recoverCodes(model, scans, { onProgress: (share) => shares.push(share) });
      expect(shares.at(-1)).toBe(1);
      expect(shares).toEqual([...shares].sort((a, b) => a - b));
      expect(found.rmsMetres).toBeLessThan(0.0005);
      expect(found.expressions[1][manifest.expressionNames.indexOf('jawOpen')]).toBeGreaterThan(0.4);
      for (const expression of found.expressions) {
        expect(Math.min(...expression)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...expression)).toBeLessThanOrEqual(1);
      }

      const { skin, faceMask } = model.uv.topology;
      const onFace = sampleChartMap(faceMask, skin.uv);
      const uv = skin.uv.filter((_, i) => onFace[i >> 1] > 0);
      const third = createExpression(manifest, { browInnerUp_L: 1, browInnerUp_R: 1 });
      const meanDistance = async (code: Float32Array) => {
        const truth = await model.uv.surfaceFromUv(uv, { geometry, expression: third });
        const at = await model.uv.surfaceFromUv(uv, { geometry: code, expression: third });
        let sum = 0;
        for (let i = 0; i < at.length; i += 3) {
          sum += Math.hypot(at[i] - truth[i], at[i + 1] - truth[i + 1], at[i + 2] - truth[i + 2]);
        }
        return sum / (at.length / 3);
      };
      const start = await meanDistance(new Float32Array(geometry.length));
      expect(await meanDistance(found.geometry)).toBeLessThan(Math.min(0.0008, start / 4));
    },
    TIMEOUT_MS,
  );
});

function changedAt(values: Float32Array, index: number, value: number): Float32Array {
  const result = values.slice();
  result[index] = value;
  return result;
}

describe('bad scans', () => {
  let model: FaceModel;
  let scan: SurfaceScan;
  beforeAll(async () => {
    model = await loadTinyModel();
    const { geometry, expression } = model.manifest.codes;
    scan = await scanFace(model, new Float32Array(geometry), new Float32Array(expression), LEAST_POINTS);
  });
  afterAll(() => model.dispose());
  const error = (work: Promise<unknown>) => work.then(() => undefined).catch((thrown) => thrown);

  it.each<[string, (good: SurfaceScan) => SurfaceScan[], RegExp]>([
    ['none', () => [], /at least one/],
    ['too few points', (s) => [{ points: s.points.slice(3), normals: s.normals.slice(3) }], /100 or more/],
    ['points that are no triples', (s) => [{ ...s, points: new Float32Array(301) }], /\[N, 3\]/],
    ['fewer normals than points', (s) => [{ ...s, normals: s.normals.slice(3) }], /normals should be \[100, 3\]/],
    [
      'NaN',
      (s) => [s, { ...s, points: changedAt(s.points, 7, Number.NaN) }],
      /scans\[1\]\.points should be finite.*at 7/,
    ],
    [
      'an infinite normal',
      (s) => [{ ...s, normals: changedAt(s.normals, 0, Number.POSITIVE_INFINITY) }],
      /normals should be finite/,
    ],
    ['points that are nowhere near', (s) => [{ ...s, points: s.points.map((x) => x + 30) }], /Align the scan/],
  ])('%s', async (_, change, message) => {
    const thrown = await error(recoverCodes(model, change(scan)));
    expect(isFaceError(thrown, 'SCAN')).toBe(true);
    expect(thrown.message).toMatch(message);
  });

  it('steps that are no whole number', async () => {
    expect(isFaceError(await error(recoverCodes(model, [scan], { steps: 0.5 })), 'OPTION')).toBe(true);
  });

  it('stops when aborted', async () => {
    const stop = new AbortController();
    const work = recoverCodes(model, [scan], {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    expect((await error(work)).message).toBe('enough');
  });
});

describe('recoverTextureCodes', () => {
  let model: FaceModel;
  beforeAll(async () => {
    model = await loadTinyModel();
  });
  afterAll(() => model.dispose());

  it('comes near the albedo of a known code', async () => {
    const random = createRandom(2);
    const uv = random.uniforms(2 * 400, 0.2, 0.8);
    const code = random.uniforms(model.manifest.codes.texture, -0.8, 0.8);
    const expression = new Float32Array(model.manifest.codes.expression);
    const albedo = await model.uv.albedo(uv, code, expression);
    const [found] = await recoverTextureCodes(model, uv, [albedo]);
    expect(await model.uv.albedo(uv, found, expression)).toBeCloseToTensor(albedo, 0.02);
  });

  it.each([
    ['too few places', new Float32Array(40), new Float32Array(60)],
    ['another count', new Float32Array(200), new Float32Array(60)],
    ['NaN', new Float32Array(200), new Float32Array(300).fill(Number.NaN)],
  ])('refuses %s', async (_, uv, albedo) => {
    const thrown = await recoverTextureCodes(model, uv, [albedo]).catch((error) => error);
    expect(isFaceError(thrown, 'SCAN')).toBe(true);
  });
});
