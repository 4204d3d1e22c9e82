import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { cropFace } from '../src/crop-face.js';
import { LANDMARK_COUNT, LEFT_EYE_OUTER, RIGHT_EYE_OUTER } from '../src/landmark-sets.js';
import type { Image } from '../src/types.js';

const SIDE = 24;

/** A picture whose red and green are the place itself, in a frame turned by `turn` about (200, 150): 1 per pixel. */
function places(turn: number): Image {
  const [width, height] = [400, 300];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) + 0.5 - 200, Math.floor(i / width) + 0.5 - 150];
    data.set(
      [128 + x * Math.cos(turn) + y * Math.sin(turn), 128 + y * Math.cos(turn) - x * Math.sin(turn), 0, 255],
      4 * i,
    );
  }
  return { data, width, height };
}

/** Landmarks in a box of 80 x 100 around (200, 150), the eyes level in a frame turned by `turn`. */
function landmarks(turn: number): Float32Array {
  const random = createRandom(4);
  const points = new Float32Array(3 * LANDMARK_COUNT);
  const put = (n: number, x: number, y: number) =>
    points.set(
      [200 + x * Math.cos(turn) - y * Math.sin(turn), 150 + x * Math.sin(turn) + y * Math.cos(turn), 0],
      3 * n,
    );
  for (let n = 0; n < LANDMARK_COUNT; n++) put(n, random.uniform(-40, 40), random.uniform(-50, 50));
  put(0, -40, -50);
  put(1, 40, 50);
  put(RIGHT_EYE_OUTER, -30, -15);
  put(LEFT_EYE_OUTER, 30, -15);
  return points;
}

describe('cropFace', () => {
  it.each([0, 0.4, -1.2])(
    'turns the window with the eyes and centres it on the landmarks, eyes turned by %f',
    (turn) => {
      const { pixels: crop, points } = cropFace(places(turn), landmarks(turn), { side: SIDE, margin: 1.2 });
      const expected = crop.map((_, i) => {
        const pixel = Math.floor(i / 3);
        const at = [pixel % SIDE, Math.floor(pixel / SIDE)].map((k) => 128 + 120 * ((k + 0.5) / SIDE - 0.5));
        return [at[0] / 255, at[1] / 255, 0][i % 3];
      });
      expect(crop).toBeCloseToTensor(expected, 1.2 / 255); // 8-bit steps
      // The box of 80 x 100 in a window of 120.
      expect([...points.slice(0, 2), ...points.slice(3, 5)]).toBeCloseToTensor([-1 / 3, -5 / 12, 1 / 3, 5 / 12], 1e-5);
    },
  );

  it('refuses what is no picture with its landmarks', () => {
    const image = places(0);
    const options = { side: SIDE, margin: 1 };
    expect(() => cropFace({ ...image, width: 399 }, landmarks(0), options)).toThrow(
      /^cropFace: expected RGBA of 399x300/,
    );
    expect(() => cropFace(image, new Float32Array(3), options)).toThrow(/received 480000 bytes and 3 coordinates/);
  });
});
