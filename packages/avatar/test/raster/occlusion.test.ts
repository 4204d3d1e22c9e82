import { describe, expect, it } from 'vitest';
import { computeOcclusion, hiddenLight, sphericalHarmonics } from '../../src/index.js';
import { ballMesh, flatImage, gridMesh, partMesh } from '../meshes.js';

const image = flatImage(1, 1, [0, 0, 0]);
const CENTRE = [0.55, 0.45, 0.35];
const RADIUS = 0.2;
const floor = partMesh('floor', gridMesh(24, 24));
const ball = ballMesh('ball', RADIUS, CENTRE, image, 96);
/** What comes back of hidden light. */
const BOUNCE = 0.15;
const LOBE = [Math.PI, (2 * Math.PI) / 3, Math.PI / 4];

/** What the ball hides from a place on the floor, by meeting it with many rays. */
function slowOcclusion(x: number, y: number): Float64Array {
  const out = new Float64Array(9);
  const harmonics = new Float64Array(9);
  const steps = 400;
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < steps; j++) {
      // Even on the upper hemisphere.
      const z = (i + 0.5) / steps;
      const around = (2 * Math.PI * (j + 0.5)) / steps;
      const d = [Math.sqrt(1 - z * z) * Math.cos(around), Math.sqrt(1 - z * z) * Math.sin(around), z];
      const toCentre = [CENTRE[0] - x, CENTRE[1] - y, CENTRE[2]];
      const along = toCentre.reduce((sum, v, k) => sum + v * d[k], 0);
      if (along < 0 || toCentre.reduce((sum, v) => sum + v * v, 0) - along ** 2 > RADIUS ** 2) continue;
      sphericalHarmonics(d[0], d[1], d[2], harmonics);
      const weight = ((1 - BOUNCE) * 2 * Math.PI * z) / steps ** 2;
      for (let k = 0; k < 9; k++) out[k] += (weight * harmonics[k]) / LOBE[k === 0 ? 0 : k < 4 ? 1 : 2];
    }
  }
  return out;
}

describe('computeOcclusion', () => {
  it('is exactly nothing for what is convex and alone', () => {
    const [hidden] = computeOcclusion([ballMesh('ball', 0.1, [0, 0, 0], image, 64)]);
    expect(hidden.every((value) => value === 0)).toBe(true);
  });

  it('is what rays say of a ball over a floor', () => {
    const [below, onBall] = computeOcclusion([floor, ball], { directions: 1024, size: 256 });
    let largest = 0;
    for (let v = 0; v < floor.positions.length / 3; v += 17) {
      const slow = slowOcclusion(floor.positions[3 * v], floor.positions[3 * v + 1]);
      expect(below.subarray(9 * v, 9 * v + 9)).toBeCloseToTensor(slow, 0.02);
      largest = Math.max(largest, slow[0]);
    }
    expect(largest).toBeGreaterThan(0.07);
    const top = Array.from({ length: onBall.length / 9 }, (_, v) => v).filter((v) => ball.normals[3 * v + 2] > 0.95);
    for (const v of top) expect(onBall[9 * v]).toBe(0);
  });

  it('is nearly as right from a hundred directions', () => {
    const [few] = computeOcclusion([floor, ball]);
    const [many] = computeOcclusion([floor, ball], { directions: 2048, size: 384 });
    const error = few.reduce((sum, value, i) => sum + Math.abs(value - many[i]), 0) / few.length;
    expect(error).toBeLessThan(0.01);
  });
});

describe('hiddenLight', () => {
  it('weighs what is hidden by the light', () => {
    const occlusion = new Float32Array(18).map((_, i) => i / 10);
    const lighting = new Float32Array(27).map((_, i) => (i % 3) + Math.floor(i / 3));
    const expected = [0, 1].flatMap((v) =>
      [0, 1, 2].map((c) => Array.from({ length: 9 }, (_, k) => (c + k) * ((9 * v + k) / 10)).reduce((a, b) => a + b)),
    );
    expect(hiddenLight(occlusion, lighting)).toBeCloseToTensor(expected, 1e-4);
  });
});
