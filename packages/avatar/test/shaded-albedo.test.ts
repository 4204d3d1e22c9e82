import { createRandom } from '@implicit-faces/test-utils';
import { linearFromSrgb, srgbFromLinear } from '@implicit-faces/uv-param';
import { describe, expect, it } from 'vitest';
import { type RgbaImage, type ShadeMap, shadedAlbedo } from '../src/index.js';

function randomImage(width: number, height = width): RgbaImage {
  const data = Uint8ClampedArray.from(createRandom(3).uniforms(4 * width * height, 20, 200));
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  return { data, width, height };
}

/** The same factors for every texel. */
function evenShade(size: number, factors: readonly number[]): ShadeMap {
  return { data: Float32Array.from({ length: 3 * size * size }, (_, i) => factors[i % 3]), size };
}

/** Darker toward the right, brighter downward. */
function slope(size: number): ShadeMap {
  const centre = (i: number) => (i + 0.5) / size;
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const texel = Math.floor(i / 3);
    return 0.9 - 0.6 * centre(texel % size) + 0.5 * centre(Math.floor(texel / size));
  });
  return { data, size };
}

/** The byte of an albedo in a light. */
const lit = (byte: number, factor: number) => 255 * srgbFromLinear(Math.min(1, linearFromSrgb(byte / 255) * factor));

/** The largest difference of an image from what each of its texels should be, bytes. */
function worst({ data, width }: RgbaImage, expected: (x: number, y: number, c: number) => number): number {
  let most = 0;
  data.forEach((byte, i) => {
    const texel = Math.floor(i / 4);
    const should = i % 4 === 3 ? 255 : expected(texel % width, Math.floor(texel / width), i % 4);
    most = Math.max(most, Math.abs(byte - should));
  });
  return most;
}

describe('shadedAlbedo', () => {
  it('multiplies in linear light, channel by channel, and leaves the albedo as it is', () => {
    const albedo = randomImage(6);
    const before = albedo.data.slice();
    const factors = [0.25, 0.7, 1.3];
    const shaded = shadedAlbedo({ albedo, shade: evenShade(6, factors) });
    expect(worst(shaded, (x, y, c) => lit(albedo.data[4 * (6 * y + x) + c], factors[c]))).toBeLessThan(0.6);
    expect(albedo.data).toEqual(before);
  });

  it('is white at most', () => {
    const albedo = randomImage(4);
    const shaded = shadedAlbedo({ albedo, shade: evenShade(4, [1, 200, 1e6]) });
    expect(worst(shaded, (x, y, c) => (c === 0 ? albedo.data[4 * (4 * y + x)] : 255))).toBe(0);
  });

  it.each([
    ['finer than', 5, [40, 40]],
    ['coarser than', 64, [16, 16]],
    ['not as square as', 8, [48, 24]],
  ] as const)('finds its places on an albedo that is %s the shade', (_, size, [width, height]) => {
    const albedo = randomImage(width, height);
    const shaded = shadedAlbedo({ albedo, shade: slope(size) });
    const inside = (i: number, n: number) => Math.min(1 - 0.5 / size, Math.max(0.5 / size, (i + 0.5) / n));
    const expected = (x: number, y: number, c: number) =>
      lit(albedo.data[4 * (width * y + x) + c], 0.9 - 0.6 * inside(x, width) + 0.5 * inside(y, height));
    expect(worst(shaded, expected)).toBeLessThan(0.6);
  });

  it('is the albedo itself without a shade', () => {
    const albedo = randomImage(4);
    expect(shadedAlbedo({ albedo })).toBe(albedo);
    const out = { ...albedo, data: new Uint8ClampedArray(64) };
    expect(shadedAlbedo({ albedo }, {}, out)).toBe(out);
    expect(out.data).toEqual(albedo.data);
  });

  it('takes a share of the shade', () => {
    const albedo = randomImage(4);
    const shaded = (share: number) => shadedAlbedo({ albedo, shade: evenShade(4, [0.4, 0.4, 0.4]) }, { share }).data;
    expect(shaded(0)).toEqual(albedo.data);
    expect(shaded(0.5)).toEqual(shadedAlbedo({ albedo, shade: evenShade(4, [0.7, 0.7, 0.7]) }).data);
  });

  it.each([true, false])('writes nothing but the region of what it is given, with a shade: %s', (hasShade) => {
    const albedo = randomImage(20, 12);
    const shade = hasShade ? slope(5) : undefined;
    const whole = shadedAlbedo({ albedo, shade });
    const out = { width: 20, height: 12, data: new Uint8ClampedArray(albedo.data.length).fill(7) };
    const [x0, y0, w, h] = [3, 2, 8, 6];
    expect(shadedAlbedo({ albedo, shade }, { region: [x0, y0, w, h] }, out)).toBe(out);
    out.data.forEach((byte, i) => {
      const [x, y] = [Math.floor(i / 4) % 20, Math.floor(i / 80)];
      const isInside = x >= x0 && x < x0 + w && y >= y0 && y < y0 + h;
      expect(byte).toBe(isInside ? whole.data[i] : 7);
    });
  });

  it('keeps a shown image up to date with strokes', () => {
    const albedo = randomImage(16);
    const shade = slope(4);
    const shown = shadedAlbedo({ albedo, shade });
    albedo.data.fill(255, 4 * (16 * 5 + 5), 4 * (16 * 5 + 9));
    shadedAlbedo({ albedo, shade }, { region: [5, 5, 4, 1] }, shown);
    expect(shown).toEqual(shadedAlbedo({ albedo, shade }));
  });

  it('refuses an image of another size', () => {
    const out = randomImage(3);
    expect(() => shadedAlbedo({ albedo: randomImage(4) }, {}, out)).toThrow(
      'shadedAlbedo: out should be 4x4, as the albedo; received 3x3.',
    );
  });
});
