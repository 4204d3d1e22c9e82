import { describe, expect, it } from 'vitest';
import { decodeSrgb, encodeSrgb, linearFromSrgb, srgbByteFromLinear, srgbFromLinear } from '../src/index.js';

describe('sRGB', () => {
  it('has known values', () => {
    expect(srgbFromLinear(0)).toBe(0);
    expect(srgbFromLinear(1)).toBeCloseTo(1, 12);
    // Middle grey of 18 % is 0.4613 encoded.
    expect(srgbFromLinear(0.18)).toBeCloseTo(0.46136, 4);
    expect(linearFromSrgb(0.5)).toBeCloseTo(0.21404, 5);
  });

  it('is undone by its inverse and meets itself at the knee', () => {
    for (let x = 0; x <= 1; x += 1 / 256) expect(linearFromSrgb(srgbFromLinear(x))).toBeCloseTo(x, 12);
    expect(srgbFromLinear(0.0031309)).toBeCloseTo(srgbFromLinear(0.0031308), 5);
  });

  it('keeps every byte through linear and back', () => {
    const bytes = Uint8ClampedArray.from({ length: 4 * 256 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2));
    expect(encodeSrgb(decodeSrgb(bytes))).toEqual(bytes);
    const rgba = new Uint8ClampedArray(8);
    expect(encodeSrgb(new Float32Array([-1, 0.5, 2, 0, 0, 0]), rgba)).toBe(rgba);
    expect(rgba).toEqual(new Uint8ClampedArray([0, 188, 255, 255, 0, 0, 0, 255]));
    const linear = new Float32Array(3);
    expect(decodeSrgb(new Uint8Array([0, 0, 255, 9]), linear)).toBe(linear);
    expect(linear).toEqual(new Float32Array([0, 0, 1]));
  });

  it('refuses what is not whole pixels', () => {
    expect(() => encodeSrgb(new Float32Array(4))).toThrow(/\[N, 3\]/);
    expect(() => decodeSrgb(new Uint8Array(6))).toThrow(/\[N, 4\]/);
    expect(() => encodeSrgb(new Float32Array(3), new Uint8ClampedArray(8))).toThrow(/4 bytes; received 8/);
    expect(() => decodeSrgb(new Uint8Array(4), new Float32Array(4))).toThrow(/3 numbers; received 4/);
  });
});

it('the table of bytes is the formula, within a step at the darkest values', () => {
  for (let i = 0; i <= 100_000; i++) {
    const x = i / 100_000;
    const exact = 255 * srgbFromLinear(x);
    expect(Math.abs(srgbByteFromLinear(x) - exact)).toBeLessThan(x < 0.01 ? 1 : 0.56);
  }
  expect(srgbByteFromLinear(-1)).toBe(0);
  expect(srgbByteFromLinear(2)).toBe(255);
});
