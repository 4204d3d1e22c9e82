import { createSeededRandom } from '@implicit-faces/runtime';
import { describe, expect, it } from 'vitest';
import { sampleCodes } from '../src/index.js';

const expressionNames = ['mouthSmile_L', 'mouthSmile_R', 'jawOpen', 'eyeBlink_L', 'eyeBlink_R', 'somethingElse'];
const manifest = { codes: { geometry: 40, expression: expressionNames.length, texture: 3 }, expressionNames };

describe('sampleCodes', () => {
  it('fits the manifest, is plausible and nearly symmetric, and repeats with the seed', () => {
    const random = createSeededRandom(1);
    const faces = Array.from({ length: 300 }, () => sampleCodes({ manifest }, random));
    expect(sampleCodes({ manifest }, createSeededRandom(1))).toEqual(faces[0]);
    const geometry = faces.flatMap(({ geometry }) => [...geometry]);
    expect(geometry.length).toBe(300 * 40);
    expect(Math.max(...geometry.map(Math.abs))).toBeLessThan(2);
    const deviation = Math.hypot(...geometry) / Math.sqrt(geometry.length);
    expect(deviation).toBeGreaterThan(0.7);
    expect(deviation).toBeLessThan(0.9);
    for (const { expression } of faces) {
      expect(expression[5]).toBe(0);
      expect(Math.min(...expression)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...expression)).toBeLessThan(0.85);
      expect(Math.abs(expression[0] - expression[1])).toBeLessThanOrEqual(0.3 * Math.max(expression[0], expression[1]));
    }
    expect(faces.some(({ expression }) => expression[0] > 0.3)).toBe(true);
  });

  it('draws skins from the classes of the prior by their shares, with their means, deviations and factors', () => {
    const texturePrior = {
      shares: Float32Array.of(0.25, 0.75),
      means: Float32Array.of(5, 0, 0, -5, 0, 0),
      sigmas: Float32Array.of(0.1, 1, 0),
      factors: Float32Array.of(0, 0, 0, 0, 0, 2),
    };
    const random = createSeededRandom(2);
    const codes = Array.from(
      { length: 800 },
      () => sampleCodes({ manifest, topology: { texturePrior } }, random).texture,
    );
    const first = codes.filter(([a]) => a > 0);
    expect(first.length / 800).toBeCloseTo(0.25, 1);
    expect(first.every(([a, , c]) => Math.abs(a - 5) <= 0.21 && c === 0)).toBe(true);
    const second = codes.filter(([a]) => a < 0);
    // N(0, 1) cut off at two deviations has a deviation of 0.88.
    const deviation = (k: number) => Math.hypot(...second.map((code) => code[k])) / Math.sqrt(second.length);
    expect(deviation(1)).toBeCloseTo(0.88, 1);
    expect(deviation(2)).toBeCloseTo(1.76, 0);
  });
});
