import { fileURLToPath } from 'node:url';
import { compareWithGolden } from '@implicit-faces/test-utils/golden';
import { describe, expect, it } from 'vitest';
import { renderAvatar, viewCamera } from '../../src/index.js';
import { ballMesh, checkerImage, flatImage, gridMesh, partMesh } from '../meshes.js';

/** Light that arrives alike from everywhere: shading 1 at every normal. */
const ambient = new Float32Array(27).fill(1 / 0.282095, 0, 3);
/** A square of the side 0.25 in front of a view 0.5 wide: it covers the middle half of the picture, edges between pixels. */
const square = partMesh('skin', gridMesh(4, 4), flatImage(2, 2, [200, 150, 120]));
square.positions.forEach((value, i) => {
  square.positions[i] = i % 3 === 2 ? 0 : value / 4 - 0.125;
});
const front = { target: [0, 0, 0], frame: 0.5, size: 32 } as const;

const pixel = ({ data, width }: { data: Uint8ClampedArray; width: number }, x: number, y: number) => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
];

describe('renderAvatar', () => {
  it('shows the albedo itself under light of 1, and its mask', () => {
    const picture = renderAvatar([square], viewCamera(0, front), ambient, { width: 32, height: 32 });
    expect(pixel(picture, 16, 16)).toEqual([200, 150, 120, 255]);
    expect(pixel(picture, 2, 2)).toEqual([0, 0, 0, 0]);
    expect(picture.mask.filter((value) => value === 255).length).toBe(16 * 16);
    expect(picture.mask.filter((value) => value === 0).length).toBe(32 * 32 - 16 * 16);
  });

  it('multiplies by spherical harmonics at the normal, in linear light', () => {
    // The square's normal is +Z: Y_2 = .488603 and Y_6 = .315392 * 2.
    const lighting = new Float32Array(27);
    lighting[3 * 2] = 0.5 / 0.488603;
    lighting[3 * 6 + 1] = 0.25 / 0.630784;
    lighting[3 * 2 + 2] = -1;
    const picture = renderAvatar([square], viewCamera(0, front), lighting, { width: 32, height: 32 });
    const expected = [200, 150].map((value, i) => {
      const linear = ((value / 255 + 0.055) / 1.055) ** 2.4 * [0.5, 0.25][i];
      return Math.round(255 * (1.055 * linear ** (1 / 2.4) - 0.055));
    });
    expect(pixel(picture, 16, 16)).toEqual([...expected, 0, 255]);
  });

  it('takes light from the vertices instead, between them by straight lines, and adds what shines', () => {
    const shading = new Float32Array(square.positions.length).map((_, i) => 0.5 + square.positions[i - (i % 3)]);
    const gloss = new Float32Array(square.positions.length).map((_, i) => [0.1, 0, 0][i % 3]);
    const picture = renderAvatar([square], viewCamera(0, front), ambient, {
      width: 32,
      height: 32,
      vertexLight: [{ shading, gloss }],
    });
    const linear = (byte: number) => ((byte / 255 + 0.055) / 1.055) ** 2.4;
    for (const x of [10, 15, 21]) {
      const light = 0.5 + ((x + 0.5) / 32 - 0.5) * 0.5;
      const [red, green] = pixel(picture, x, 16);
      expect(linear(red)).toBeCloseTo(linear(200) * light + 0.1, 2);
      expect(linear(green)).toBeCloseTo(linear(150) * light, 2);
    }
  });

  it('blends edges with the background in linear light and leaves the rest of it alone', () => {
    const size = { width: 34, height: 34 };
    const photo = checkerImage(34, 34, [
      [10, 250, 3],
      [77, 12, 200],
    ]);
    const white = partMesh('skin', { ...square, uvs: square.uvs }, flatImage(1, 1, [255, 255, 255]));
    const flat = renderAvatar([white], viewCamera(0, { ...front, size: 34 }), ambient, {
      ...size,
      background: [0, 0, 0],
    });
    // 34 * .25 is 8.5: the square covers half of pixel 8.
    expect(pixel(flat, 8, 16)).toEqual([188, 188, 188, 255]);
    const over = renderAvatar([white], viewCamera(0, { ...front, size: 34 }), ambient, { ...size, background: photo });
    expect(pixel(over, 16, 16)).toEqual([255, 255, 255, 255]);
    for (let i = 0; i < 34 * 34; i++) {
      const [x, y] = [i % 34, Math.floor(i / 34)];
      if (x < 8 || x > 25 || y < 8 || y > 25) expect(pixel(over, x, y)).toEqual(pixel(photo, x, y));
    }
    expect(() => renderAvatar([white], viewCamera(0), ambient, { width: 32, height: 33, background: photo })).toThrow(
      expect.objectContaining({ code: 'SHAPE' }),
    );
  });

  it('averages fine texture over a pixel', () => {
    const fine = checkerImage(512, 512, [
      [255, 255, 255],
      [0, 0, 0],
    ]);
    const picture = renderAvatar([{ ...square, image: fine }], viewCamera(0, front), ambient, {
      width: 32,
      height: 32,
    });
    // Half the light of white is 188 in sRGB.
    for (const [x, y] of [
      [10, 10],
      [16, 16],
      [21, 13],
    ]) {
      expect(Math.abs(pixel(picture, x, y)[0] - 188)).toBeLessThanOrEqual(1);
    }
  });

  it('keeps u to the right and v downward', () => {
    const corner = flatImage(2, 2, [0, 0, 0]);
    corner.data.set([255, 0, 0], 0);
    const picture = renderAvatar([{ ...square, image: corner }], viewCamera(0, front), ambient, {
      width: 32,
      height: 32,
    });
    expect(pixel(picture, 9, 9)[0]).toBeGreaterThan(200);
    expect(pixel(picture, 22, 9)[0] + pixel(picture, 9, 22)[0] + pixel(picture, 22, 22)[0]).toBe(0);
  });

  it('marks the face where the mask of the skin says so, on no other part', () => {
    const data = new Uint8Array(64);
    data.fill(255, 0, 32);
    const faceMask = { data, width: 8, height: 8 };
    const options = { width: 32, height: 32, faceMask };
    const { face } = renderAvatar([square], viewCamera(0, front), ambient, options);
    const marked = [...face!.keys()].filter((i) => face![i] === 255);
    expect(marked.length).toBe(16 * 8);
    expect(Math.max(...marked)).toBeLessThan(16 * 32);
    const other = renderAvatar([{ ...square, name: 'tongue' }], viewCamera(0, front), ambient, options);
    expect(other.face!.every((value) => value === 0)).toBe(true);
  });

  it('draws a large picture in bands as it draws a small one whole', () => {
    const ball = ballMesh('skin', 0.12, [0, 0, 0], flatImage(1, 1, [200, 150, 120]));
    const whole = renderAvatar([ball], viewCamera(20, { size: 64 }), ambient, {
      width: 64,
      height: 64,
      supersample: 4,
    });
    // 64 * 4 * 64 * 4 samples fit one band; 1200 * 300 * 4 do not.
    const camera = viewCamera(20, { size: 64 });
    const wide = renderAvatar([ball], { ...camera, principalPointPx: [32, 32 + 1000] }, ambient, {
      width: 400,
      height: 1200,
      supersample: 4,
    });
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) expect(pixel(wide, x, y + 1000)).toEqual(pixel(whole, x, y));
    }
  });

  for (const [name, clay] of [
    ['balls', false],
    ['balls-clay', true],
  ] as const) {
    it(`looks as stored: ${name}`, async () => {
      const lighting = Float32Array.from(
        { length: 27 },
        (_, i) => [3, 2.6, 2.2][i % 3] * [1, 0.25, 0.4, -0.35, 0, 0, 0.05, 0.1, 0][Math.floor(i / 3)],
      );
      const tiles = checkerImage(256, 12, [
        [225, 170, 140],
        [120, 60, 50],
      ]);
      const meshes = [
        ballMesh('skin', 0.11, [0, -0.02, 0], tiles, 48),
        ballMesh('eyeLeft', 0.03, [0.05, 0.02, 0.1], flatImage(1, 1, [240, 240, 250])),
        ballMesh('eyeRight', 0.03, [-0.05, 0.02, 0.1], flatImage(1, 1, [60, 90, 200])),
      ];
      const picture = renderAvatar(meshes, viewCamera(-30, { size: 96 }), lighting, {
        width: 96,
        height: 96,
        background: [128, 128, 128],
        clay,
      });
      const file = fileURLToPath(new URL(`../golden/${name}.png`, import.meta.url));
      await compareWithGolden({ ...picture, data: new Uint8Array(picture.data) }, file, { maxDiffPixels: 4 });
    });
  }
});
