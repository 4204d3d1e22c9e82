import { sphericalHarmonics } from '@implicit-faces/avatar';
import { createRandom, type Random } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import {
  type Appearance,
  type AppearanceData,
  calmUnseenLight,
  createAppearance,
  harmonicTransfer,
  LIGHT_FLOOR,
  matteLight,
  mirroredHarmonics,
  predictLight,
  stepAppearance,
  transferMoment,
} from '../../src/stages/appearance.js';

function someNormals(random: Random, count: number): Float32Array {
  const out = new Float32Array(3 * count);
  for (let n = 0; n < count; n++) {
    const [x, y, z] = [random.normal(), random.normal(), Math.abs(random.normal()) + 0.5];
    out.set(
      [x, y, z].map((v) => v / Math.hypot(x, y, z)),
      3 * n,
    );
  }
  return out;
}

/** Samples as a known texture code under a known light shows them. */
function someFace(seed: number, count = 200, codeSize = 4) {
  const random = createRandom(seed);
  const density = {
    // No skin is whiter than exp(-0.3) here, whatever the code.
    mean: random.uniforms(3 * count, 1.2, 2.2),
    basis: random.uniforms(3 * count * codeSize, -0.15, 0.15),
    codeSize,
  };
  const normals = someNormals(random, count);
  const usual = createAppearance(codeSize);
  const truth: Appearance = {
    texture: usual.texture.map(() => random.uniform(-1.5, 1.5)),
    lighting: usual.lighting.map((v) => v + random.uniform(-0.15, 0.15)),
  };
  // Some of what arrives from each side is hidden.
  const transfer = harmonicTransfer(normals, random.uniforms(9 * count, -0.02, 0.05));
  const { predicted } = predictLight({ density, transfer }, truth);
  const data: AppearanceData = { density, transfer, logLight: predicted, trust: new Float32Array(count).fill(1) };
  return { data, normals, truth, usual };
}

function solve(data: AppearanceData, start: Appearance, weight: number): Appearance {
  let appearance = start;
  for (let i = 0; i < 12; i++) [appearance] = stepAppearance([{ data, weight }], [appearance]);
  return appearance;
}

describe('harmonicTransfer', () => {
  it('is the harmonics of the normal, less what is hidden of them', () => {
    const normals = someNormals(createRandom(1), 5);
    const occlusion = createRandom(2).uniforms(45, 0, 0.1);
    const open = harmonicTransfer(normals);
    const y = new Float64Array(9);
    const [nx, ny, nz] = normals.subarray(6, 9);
    expect(open.subarray(18, 27)).toBeCloseToTensor(sphericalHarmonics(nx, ny, nz, y), 1e-6);
    expect(harmonicTransfer(normals, occlusion)).toBeCloseToTensor(
      open.map((v, i) => v - occlusion[i]),
      1e-6,
    );
  });
});

describe('predictLight', () => {
  it('is the logarithm of albedo times shading above the floor', () => {
    const { data, truth } = someFace(2, 5);
    const { albedo, shading, predicted } = predictLight(data, truth);
    expect(albedo.every((a) => a > 0 && a <= 1)).toBe(true);
    expect(predicted).toBeCloseToTensor(
      albedo.map((a, i) => Math.log(a * shading[i] + LIGHT_FLOOR)),
      1e-6,
    );
  });
});

describe('mirroredHarmonics', () => {
  it('send back the same share of light from everywhere, more of it at grazing angles', () => {
    const normals = new Float32Array([0, 0, 1, 0, 0, 1]);
    const angle = (80 * Math.PI) / 180;
    const toEye = new Float32Array([0, 0, 1, Math.sin(angle), 0, Math.cos(angle)]);
    const mirrored = mirroredHarmonics(normals, toEye);
    const everywhere = 1 / 0.282095; // shading of 1
    expect(mirrored[0] * everywhere).toBeCloseTo(0.026, 6);
    expect(mirrored[9] * everywhere).toBeGreaterThan(0.1);
  });

  it('look where the mirror does', () => {
    const half = Math.SQRT1_2;
    // From above onto a surface that leans back by 45 degrees: what lies in front is seen.
    const mirrored = mirroredHarmonics(new Float32Array([0, half, half]), new Float32Array([0, 1, 0]));
    const [, y, z, x] = mirrored;
    expect(z).toBeGreaterThan(0.01);
    expect([x, y]).toBeCloseToTensor([0, 0], 1e-6);
  });
});

describe('matteLight', () => {
  it('keeps the light of a matte face', () => {
    const { data, truth } = someFace(8);
    expect(matteLight(data, truth)).toBeCloseToTensor(truth.lighting, 1e-3);
  });

  it('takes highlights in', () => {
    const { data, normals, truth } = someFace(9);
    const mirrored = mirroredHarmonics(normals, normals);
    const logLight = predictLight({ ...data, mirrored }, truth).predicted;
    const error = (lighting: Float64Array) =>
      predictLight(data, { ...truth, lighting }).predicted.reduce((sum, v, i) => sum + (v - logLight[i]) ** 2, 0);
    expect(error(matteLight({ ...data, mirrored, logLight }, truth))).toBeLessThan(0.12 * error(truth.lighting));
  });
});

describe('stepAppearance', () => {
  it.each([1, 2, 3])('recovers code, light and colours where priors are weak, seed %i', (seed) => {
    const { data, truth, usual } = someFace(seed);
    const found = solve(data, usual, 1e6);
    expect(predictLight(data, found).predicted).toBeCloseToTensor(data.logLight, 1e-3);
    expect(found.texture).toBeCloseToTensor(truth.texture, 0.02);
    expect(found.lighting).toBeCloseToTensor(truth.lighting, 0.02);
  });

  it.each([0, 1] as const)('leaves shading that light of order %i cannot have to the texture', (order) => {
    const { data } = someFace(12);
    const flat = createAppearance(4, order);
    let [found] = stepAppearance([{ data, weight: 100 }], [flat], order);
    for (let i = 0; i < 8; i++) [found] = stepAppearance([{ data, weight: 100 }], [found], order);
    const matte = matteLight(data, found, order);
    const count = 3 * (order + 1) ** 2;
    for (const lighting of [flat.lighting, found.lighting, matte]) {
      expect(lighting.subarray(count).every((v) => v === 0)).toBe(true);
      expect(lighting.subarray(0, 3).every((v) => v > 1)).toBe(true);
    }
    expect(found.lighting.subarray(0, count)).not.toEqual(flat.lighting.subarray(0, count));
  });

  it('stays at the usual light and the mean texture when nothing is trusted', () => {
    const { data, truth, usual } = someFace(4);
    const found = solve({ ...data, trust: data.trust.map(() => 0) }, truth, 1);
    expect(found.texture).toBeCloseToTensor(usual.texture, 1e-6);
    expect(found.lighting).toBeCloseToTensor(usual.lighting, 1e-6);
  });

  it('does not see samples that are not trusted', () => {
    const { data, usual } = someFace(5);
    const trust = data.trust.map((_, n) => n % 2);
    const spoilt = data.logLight.map((v, i) => (trust[Math.floor(i / 3)] ? v : -9));
    expect(solve({ ...data, trust, logLight: spoilt }, usual, 100)).toEqual(solve({ ...data, trust }, usual, 100));
  });

  it('makes the light strong enough that nothing seen is whiter than skin', () => {
    const { data, normals, usual } = someFace(7);
    const bright = normals.filter((_, i) => i % 3 === 0).map((x) => (x > 0.3 ? 1 : 0));
    const light = predictLight(data, usual).shading;
    // Patches that no albedo under the usual light explains, too sharp for the code or the light to follow.
    const logLight = data.logLight.map((v, i) => (bright[Math.floor(i / 3)] ? Math.log(1.3 * light[i]) : v));
    const found = solve({ ...data, logLight }, usual, 30);
    const { shading } = predictLight(data, found);
    const whiteness = (s: Float32Array) =>
      logLight.reduce((sum, v, i) => sum + Math.max(0, Math.exp(v) / s[i] - 0.75), 0) / logLight.length;
    expect(whiteness(shading)).toBeLessThan(0.35 * whiteness(light));
  });

  it('explains a dark face by its skin rather than by dim light', () => {
    const { data, usual } = someFace(6);
    // One code that darkens every channel alike.
    const basis = new Float32Array(data.density.mean.length).fill(0.4);
    const density = { mean: data.density.mean, basis, codeSize: 1 };
    const dark = { texture: new Float64Array([2]), lighting: usual.lighting };
    const logLight = predictLight({ density, transfer: data.transfer }, dark).predicted;
    const found = solve({ ...data, density, logLight }, createAppearance(1), 10);
    expect(found.texture[0]).toBeGreaterThan(1);
    expect(predictLight({ ...data, density }, found).predicted).toBeCloseToTensor(logLight, 0.05);
  });

  it.each([0.05, 0.15, 0.5])('finds an albedo of %f under the light that cameras expose it by', (tone) => {
    const { data } = someFace(10);
    const { transfer, trust } = data;
    const count = trust.length;
    const density = {
      mean: new Float32Array(3 * count).fill(-Math.log(0.25)),
      basis: new Float32Array(3 * count).fill(0.5),
      codeSize: 1,
    };
    const exposure = 0.88 * (0.3 / tone) ** 0.2;
    const logLight = new Float32Array(3 * count).fill(Math.log(tone * exposure + LIGHT_FLOOR));
    const found = solve({ density, transfer, logLight, trust }, createAppearance(1), 100);
    const { albedo } = predictLight({ density, transfer }, found);
    expect(albedo[0] / tone).toBeGreaterThan(0.9);
    expect(albedo[0] / tone).toBeLessThan(1.1);
  });

  it('tells highlights from skin', () => {
    const { data, normals, truth, usual } = someFace(11);
    const mirrored = mirroredHarmonics(normals, normals);
    const dark = { ...data.density, mean: data.density.mean.map((d) => d + 1.5) };
    const logLight = predictLight({ ...data, density: dark, mirrored }, truth).predicted;
    const off = (glossy: boolean) => {
      const seen = { ...data, density: dark, logLight, ...(glossy && { mirrored }) };
      const { texture } = solve(seen, usual, 1e6);
      return Math.hypot(...texture.map((v, k) => v - truth.texture[k]));
    };
    expect(off(true)).toBeLessThan(0.05);
    expect(off(false)).toBeGreaterThan(5 * off(true));
  });
});

describe('calmUnseenLight', () => {
  const front = someNormals(createRandom(3), 300);
  const back = front.map((value, i) => (i % 3 === 2 ? -value : value));
  const ones = new Float32Array(300).fill(1);
  const [seen, unseen] = [front, back].map((normals) => transferMoment(harmonicTransfer(normals), ones));
  /** Root mean square of what a light's channels show beside their mean, at normals. */
  const colour = (lighting: Float64Array, normals: Float32Array) => {
    const transfer = harmonicTransfer(normals);
    let sum = 0;
    for (let n = 0; n < transfer.length; n += 9) {
      const [r, g, b] = [0, 1, 2].map((c) =>
        transfer.subarray(n, n + 9).reduce((light, t, k) => light + t * lighting[3 * k + c], 0),
      );
      for (const channel of [r, g, b]) sum += (channel - (r + g + b) / 3) ** 2;
    }
    return Math.sqrt(sum / (transfer.length / 9));
  };
  /** Yellow that grows to the back, as hair at the temples makes of it. */
  const glowing = createAppearance(1).lighting.slice();
  for (const [k, c, value] of [
    [2, 0, -0.2],
    [2, 2, 0.2],
    [6, 0, 0.12],
    [6, 2, -0.12],
  ])
    glowing[3 * k + c] += value;

  it('takes colour from where nobody saw it, and hardly any from where the photo shows it', () => {
    const calm = calmUnseenLight(glowing, seen, unseen);
    expect(colour(calm, back)).toBeLessThan(0.6 * colour(glowing, back));
    const change = glowing.map((value, i) => value - calm[i]);
    expect(colour(change, front)).toBeLessThan(0.4 * colour(glowing, front));
    for (let k = 0; k < 9; k++) {
      const mean = (light: Float64Array) => light[3 * k] + light[3 * k + 1] + light[3 * k + 2];
      expect(mean(calm)).toBeCloseTo(mean(glowing), 9);
    }
  });

  it('leaves a grey light alone, and any light where everything is seen', () => {
    const grey = createAppearance(1).lighting;
    expect(calmUnseenLight(grey, seen, unseen)).toBeCloseToTensor(grey, 1e-9);
    expect(calmUnseenLight(glowing, seen, new Float64Array(81))).toBeCloseToTensor(glowing, 1e-9);
  });
});
