import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import {
  computeHighlight,
  computeSurfaceLight,
  createSurfaceLight,
  FACE_GLOSS,
  type Gloss,
  projectLights,
  type Vec3,
} from '../src/index.js';
import { evaluateHarmonics } from '../src/lighting.js';
import { distributionGgx, environmentBrdf, MATTE, packGloss, visibilitySmith } from '../src/specular.js';

const UP: Vec3 = [0, 0, 1];

/** Evenly spread directions of the upper half, each of the same solid angle. */
function* hemisphere(count: number): Generator<Vec3> {
  for (let i = 0; i < count; i++) {
    const z = 1 - (i + 0.5) / count;
    const turn = i * Math.PI * (3 - Math.sqrt(5));
    yield [Math.sqrt(1 - z * z) * Math.cos(turn), Math.sqrt(1 - z * z) * Math.sin(turn), z];
  }
}

it.each([0.1, 0.3, 0.7])('microfacets cover the surface once, alpha %f', (alpha) => {
  let area = 0;
  const count = 200_000;
  for (const [, , z] of hemisphere(count)) area += (distributionGgx(z, alpha) * z * 2 * Math.PI) / count;
  expect(area).toBeCloseTo(1, 2);
});

it('masks nothing head-on, and light as the eye', () => {
  expect(visibilitySmith(1, 1, 0.3)).toBeCloseTo(0.25, 6);
  expect(visibilitySmith(0.3, 0.8, 0.3)).toBeCloseTo(visibilitySmith(0.8, 0.3, 0.3), 12);
  expect(4 * 0.3 * 0.8 * visibilitySmith(0.3, 0.8, 0.3)).toBeLessThan(1);
});

it.each([
  [0.3, 1],
  [0.55, 0.8],
  [0.55, 0.3],
  [0.8, 0.6],
])('mirrors as much of even light as slow integration has it, roughness %f, cosine %f', (roughness, nDotV) => {
  const gloss: Gloss = { f0: 0.028, roughness };
  const toEye: Vec3 = [Math.sqrt(1 - nDotV * nDotV), 0, nDotV];
  let sum = 0;
  const count = 100_000;
  // A light of colour 1 is an irradiance of pi.
  for (const l of hemisphere(count)) sum += (computeHighlight(l, [1, 1, 1], gloss, UP, toEye)[0] * 2) / count;
  // The fit is 0.012 off at the most here, at a cosine of 0.3 and skin's roughness.
  expect(Math.abs(environmentBrdf(gloss, nDotV) - sum)).toBeLessThan(0.0125);
});

it('mirrors most where the normal is half way between light and eye, nothing from behind, and nothing when matte', () => {
  const highlight = (n: Vec3, gloss: Gloss = FACE_GLOSS.eyeLeft) =>
    computeHighlight([0, 0.6, 0.8], [1, 1, 1], gloss, n, [0, -0.6, 0.8])[0];
  expect(highlight(UP)).toBeGreaterThan(5 * highlight([0, 0.28, 0.96]));
  expect(highlight([0, 0, -1])).toBe(0);
  expect(highlight(UP, MATTE)).toBe(0);
  expect(environmentBrdf(MATTE, 0.1)).toBe(0);
});

it('blurs harmonics by a lobe, less the sharper it is', () => {
  for (const roughness of [0.3, 0.55, 0.8]) {
    const [, alpha, band1, band2] = packGloss({ f0: 0.04, roughness });
    // The spherical Gaussian's share of a cosine and of the second Legendre polynomial about its axis.
    const sharpness = 1 / (2 * alpha * alpha);
    const [weight, first, second] = [0, 0, 0];
    const sums = [weight, first, second];
    const steps = 100_000;
    for (let i = 0; i < steps; i++) {
      const z = (2 * (i + 0.5)) / steps - 1;
      const w = Math.exp(sharpness * (z - 1));
      sums[0] += w;
      sums[1] += w * z;
      sums[2] += (w * (3 * z * z - 1)) / 2;
    }
    expect([band1, band2]).toBeCloseToTensor([sums[1] / sums[0], sums[2] / sums[0]], 1e-4);
  }
});

it('leaves nothing of a single far light to be mirrored softly', () => {
  const { reflected, places, colours } = createSurfaceLight(
    projectLights([{ kind: 'directional', colour: [2, 1, 0.5], toLight: [0.48, 0.6, 0.64] }]),
  );
  expect(places).toBeCloseToTensor([0.48, 0.6, 0.64, 0], 1e-5);
  expect(colours).toBeCloseToTensor([2, 1, 0.5], 1e-5);
  expect(reflected).toBeCloseToTensor(new Float32Array(27), 1e-5);
});

it('mirrors even light softly only, at the cost of what is matte', () => {
  const light = createSurfaceLight(projectLights([{ kind: 'ambient', colour: [1, 0.5, 0.25] }]));
  expect(evaluateHarmonics(light.reflected, UP)).toBeCloseToTensor([1, 0.5, 0.25], 1e-5);
  const gloss = FACE_GLOSS.skin;
  const share = environmentBrdf(gloss, 1);
  expect(computeSurfaceLight(light, [0.5, 0.5, 0.5], gloss, UP, UP, UP)).toBeCloseToTensor(
    [1, 0.5, 0.25].map((x) => x * (0.5 * (1 - share) + share)),
    1e-5,
  );
});

it('lights by the square of the distance', () => {
  const black = new Float32Array(27);
  const at = (z: number) =>
    computeSurfaceLight(
      createSurfaceLight(black, [{ kind: 'point', colour: [1, 1, 1], intensity: 2, position: [0, 0, z] }]),
      [0.5, 0.5, 0.5],
      MATTE,
      [0, 0, 0],
      UP,
      UP,
    )[0];
  expect(at(1)).toBeCloseTo(1, 6);
  expect(at(2)).toBeCloseTo(0.25, 6);
  expect(at(-1)).toBe(0);
});

it('has skin duller than eyes, and none brighter than what came', () => {
  const random = createRandom(3);
  expect(FACE_GLOSS.skin.roughness).toBeGreaterThan(FACE_GLOSS.eyeLeft.roughness);
  for (let i = 0; i < 100; i++) {
    for (const gloss of Object.values(FACE_GLOSS)) {
      const share = environmentBrdf(gloss, random.uniform());
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(1);
    }
  }
});
