import { createRandom } from '@implicit-faces/test-utils';
import { srgbByteFromLinear } from '@implicit-faces/uv-param';
import { describe, expect, it } from 'vitest';
import { applyRatios, expNear, joinMirrored, type Ratios } from '../../src/stages/blend-ratios.js';
import { SHADE_SIZE } from '../../src/stages/broad-grey.js';

/** A texture's ratios, a third of them not seen. */
function someRatios(seed: number, symmetric: boolean): Ratios {
  const random = createRandom(seed);
  const size = 16;
  const weight = random.uniforms(size * size).map((w) => Math.max(0, 1.5 * w - 0.5));
  const ratio = random.uniforms(3 * size * size, -2.5, 2.5).map((v, i) => (weight[Math.floor(i / 3)] > 0 ? v : 0));
  return { ratio, weight, size, symmetric };
}

describe.each([true, false])('ratios, symmetric: %s', (symmetric) => {
  const ratios = someRatios(1, symmetric);
  const { ratio, weight, size } = ratios;
  const mirror = (i: number) => i + size - 1 - 2 * (i % size);

  it('are means of a texel and its mirror image, by how well each is seen and a little of nothing', () => {
    const { joined, share } = joinMirrored(ratios);
    for (let i = 0; i < size * size; i++) {
      const other = symmetric ? 0.25 * weight[mirror(i)] * (1 - weight[i]) : 0;
      const total = weight[i] + other + 0.002;
      expect(share[i]).toBeCloseTo(Math.min(1, total), 6);
      for (let c = 0; c < 3; c++) {
        const expected = (weight[i] * ratio[3 * i + c] + other * ratio[3 * mirror(i) + c]) / total;
        expect(joined[3 * i + c]).toBeCloseTo(expected, 5);
      }
    }
  });

  it('multiply the albedo, near its hue where nothing was seen, and keep theirs beyond white', () => {
    const random = createRandom(2);
    const filled = random.uniforms(3 * size * size, -2.5, 2.5);
    const albedo = random.uniforms(3 * size * size);
    const data = applyRatios(ratios, filled, albedo);
    let burnt = 0;
    for (let i = 0; i < size * size; i++) {
      const known = Math.min(1, weight[i] + (symmetric ? weight[mirror(i)] : 0));
      const limit = 0.1 + 2.5 * known ** 2;
      const mean = (filled[3 * i] + filled[3 * i + 1] + filled[3 * i + 2]) / 3;
      const colour = [0, 1, 2].map((c) => {
        const off = Math.min(limit, Math.max(-limit, filled[3 * i + c] - mean));
        return albedo[3 * i + c] * Math.exp(mean + off);
      });
      const excess = Math.max(1, ...colour);
      burnt += Number(excess > 1);
      for (let c = 0; c < 3; c++) {
        expect(Math.abs(data[4 * i + c] - srgbByteFromLinear(colour[c] / excess))).toBeLessThanOrEqual(1);
      }
      expect(data[4 * i + 3]).toBe(255);
    }
    expect(burnt).toBeGreaterThan(20);
  });

  it('are less what of them is light, between the texels of its map', () => {
    const random = createRandom(4);
    const filled = random.uniforms(3 * size * size, -1, 1);
    const albedo = random.uniforms(3 * size * size, 0.05, 0.3);
    // A ramp, which interpolation gives back.
    const at = (x: number, y: number) => 0.4 * x - 0.3 * y;
    const light = new Float32Array(SHADE_SIZE * SHADE_SIZE).map((_, i) =>
      at(((i % SHADE_SIZE) + 0.5) / SHADE_SIZE, (Math.floor(i / SHADE_SIZE) + 0.5) / SHADE_SIZE),
    );
    const without = filled.map((v, k) => {
      const i = Math.floor(k / 3);
      return v - at(((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size);
    });
    const expected = applyRatios(ratios, without, albedo);
    const found = applyRatios(ratios, filled, albedo, light);
    expect(Math.max(...found.map((byte, i) => Math.abs(byte - expected[i])))).toBeLessThanOrEqual(1);
    expect(found).not.toEqual(applyRatios(ratios, filled, albedo));
  });
});

describe('expNear', () => {
  it('is exp to 5e-7 of itself, within its table and beyond', () => {
    const random = createRandom(3);
    for (let i = 0; i < 2000; i++) {
      const x = random.uniform(-12, 12);
      expect(Math.abs(expNear(x) / Math.exp(x) - 1)).toBeLessThan(5e-7);
    }
    for (const x of [-10, 10, 0, 10.0001, -10.0001]) expect(expNear(x) / Math.exp(x)).toBeCloseTo(1, 6);
    expect(expNear(Number.NaN)).toBeNaN();
  });
});
