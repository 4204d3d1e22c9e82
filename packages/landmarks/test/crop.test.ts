import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { cropRoi, cutOut, frameRoi, ImagePyramid, imageFromRoi } from '../src/crop.js';
import type { Image } from '../src/types.js';

const PLAIN = { scale: 1, offset: 0 };

function picture(width: number, height: number, red: (x: number, y: number) => number): Image {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) data.set([red(i % width, Math.floor(i / width)), 0, 0, 255], i * 4);
  return { data, width, height };
}
const reds = (crop: Float32Array) => [...crop].filter((_, i) => i % 3 === 0);

describe('cropRoi', () => {
  it('returns the pixels themselves at their own scale', () => {
    const image = picture(4, 4, (x, y) => 10 * x + 50 * y);
    const crop = reds(cropRoi(new ImagePyramid(image), frameRoi(image), 4, PLAIN, 'black'));
    expect(crop).toBeCloseToTensor(
      Array.from({ length: 16 }, (_, i) => 10 * (i % 4) + 50 * Math.floor(i / 4)),
      1e-4,
    );
  });

  it('keeps a ramp a ramp at any scale and angle', () => {
    const image = picture(200, 200, (x, y) => (x + y) / 2 + 10);
    const pyramid = new ImagePyramid(image);
    for (const size of [20, 50, 120]) {
      for (const rotation of [0, 0.7, -2.5]) {
        const roi = { centerX: 100, centerY: 100, size, rotation };
        const crop = reds(cropRoi(pyramid, roi, 12, PLAIN, 'black'));
        const expected = crop.map((_, i) => {
          const [x, y] = imageFromRoi(roi, ((i % 12) + 0.5) / 12, (Math.floor(i / 12) + 0.5) / 12);
          return (x + y - 1) / 2 + 10;
        });
        expect(crop).toBeCloseToTensor(expected, 0.6); // 8-bit steps
      }
    }
  });

  it('averages fine stripes away instead of aliasing them', () => {
    const image = picture(256, 256, (x) => (x % 2) * 200);
    for (const side of [16, 23, 64, 100]) {
      const crop = reds(cropRoi(new ImagePyramid(image), frameRoi(image), side, PLAIN, 'black'));
      expect(Math.min(...crop)).toBeGreaterThan(60);
      expect(Math.max(...crop)).toBeLessThan(140);
    }
  });

  it('continues the edge, or black, outside', () => {
    const image = picture(8, 4, () => 100);
    const pyramid = new ImagePyramid(image);
    const replicated = reds(cropRoi(pyramid, frameRoi(image), 8, PLAIN, 'replicate'));
    expect(replicated).toBeCloseToTensor(new Array(64).fill(100), 1e-4);
    const black = reds(cropRoi(pyramid, frameRoi(image), 8, { scale: 0.01, offset: -1 }, 'black'));
    const row = (y: number, value: number) =>
      expect(black.slice(8 * y, 8 * y + 8)).toBeCloseToTensor(new Array(8).fill(value), 1e-5);
    row(0, -1);
    row(1, -1);
    row(3, 0);
    row(7, -1);
  });

  it('halves down to one pixel and stops', () => {
    const { width, height, data } = new ImagePyramid(picture(5, 3, () => 80)).level(6);
    expect([width, height, data[0]]).toEqual([1, 1, 80]);
  });
});

describe('cutOut', () => {
  const random = createRandom(3);
  const image = picture(701, 503, () => random.integer(256));

  it.each([
    { centerX: 300, centerY: 250, size: 200, rotation: 0.3 },
    { centerX: 411.3, centerY: 201.7, size: 610, rotation: -1 },
    { centerX: 20, centerY: 480, size: 130, rotation: 0 },
    { centerX: 350, centerY: 250, size: 2100, rotation: 0.1 },
  ])('changes nothing about what a window shows: %o', (roi) => {
    const { image: part, left, top } = cutOut(image, roi)!;
    const local = { ...roi, centerX: roi.centerX - left, centerY: roi.centerY - top };
    const received = cropRoi(new ImagePyramid(part), local, 96, PLAIN, 'replicate');
    expect(received).toBeCloseToTensor(cropRoi(new ImagePyramid(image), roi, 96, PLAIN, 'replicate'), 1e-3);
    expect(part.width * part.height).toBeLessThanOrEqual(701 * 503);
  });

  it('has nothing to give of a window outside', () => {
    expect(cutOut(image, { centerX: 900, centerY: 100, size: 100, rotation: 0 })).toBeUndefined();
    expect(cutOut(image, { centerX: Number.NaN, centerY: 100, size: 100, rotation: 0 })).toBeUndefined();
  });
});
