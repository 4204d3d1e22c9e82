import { createRandom } from '@implicit-faces/test-utils';
import { linearFromSrgb } from '@implicit-faces/uv-param';
import { describe, expect, it } from 'vitest';
import {
  blur,
  cropMask,
  cropPhoto,
  distanceFromMask,
  lookUp,
  lookUpSharp,
  mapPlane,
  type Plane,
} from '../src/photo.js';

function somePlane(seed: number, width: number, height: number, channels: number): Plane {
  return { data: createRandom(seed).uniforms(width * height * channels), width, height, channels };
}

function someImage(seed: number, width: number, height: number) {
  const random = createRandom(seed);
  return { data: Uint8ClampedArray.from({ length: 4 * width * height }, () => random.integer(256)), width, height };
}

/** The value at whole pixel (x, y), the border repeated. */
function pixel({ data, width, height, channels }: Plane, x: number, y: number, c: number): number {
  const i = Math.min(width - 1, Math.max(0, x));
  const j = Math.min(height - 1, Math.max(0, y));
  return data[channels * (j * width + i) + c];
}

/** Bilinear look-up as a sum of tents over the four pixels around. */
function slowLookUp(plane: Plane, px: number, py: number, c: number): number {
  let sum = 0;
  for (let j = Math.floor(py - 0.5); j <= Math.floor(py - 0.5) + 1; j++) {
    for (let i = Math.floor(px - 0.5); i <= Math.floor(px - 0.5) + 1; i++) {
      sum += (1 - Math.abs(px - 0.5 - i)) * (1 - Math.abs(py - 0.5 - j)) * pixel(plane, i, j, c);
    }
  }
  return sum;
}

function look(plane: Plane, px: number, py: number) {
  const values = new Float64Array(plane.channels);
  const gradients = new Float64Array(2 * plane.channels);
  lookUp(plane, px, py, values, gradients);
  return { values, gradients };
}

describe('lookUp', () => {
  const plane = somePlane(1, 7, 5, 2);
  const random = createRandom(2);
  const places = Array.from({ length: 200 }, () => [random.uniform(-2, 9), random.uniform(-2, 7)]);

  it('agrees with a slow twin inside, on the border and beyond', () => {
    for (const [px, py] of [...places, [6.5, 4.5], [7, 5], [0, 0], [0.5, 0.5]]) {
      expect(look(plane, px, py).values).toBeCloseToTensor(
        [0, 1].map((c) => slowLookUp(plane, px, py, c)),
        1e-9,
      );
    }
  });

  it('has the derivatives of its values, none beyond the border', () => {
    const h = 1e-6;
    for (const [px, py] of places) {
      const [left, right, above, below] = [
        [-h, 0],
        [h, 0],
        [0, -h],
        [0, h],
      ].map(([dx, dy]) => look(plane, px + dx, py + dy).values);
      const expected = [0, 1].flatMap((c) => [(right[c] - left[c]) / (2 * h), (below[c] - above[c]) / (2 * h)]);
      expect(look(plane, px, py).gradients).toBeCloseToTensor(expected, 1e-6);
    }
  });

  it('works without gradients', () => {
    const values = new Float64Array(2);
    lookUp(plane, 3.3, 2.2, values);
    expect(values).toEqual(look(plane, 3.3, 2.2).values);
  });
});

describe('lookUpSharp', () => {
  const values = new Float64Array(1);
  const at = (plane: Plane, x: number, y: number) => {
    lookUpSharp(plane, x, y, values);
    return values[0];
  };

  it('gives pixels at their centres, and a ramp everywhere inside', () => {
    const ramp: Plane = {
      data: Float32Array.from({ length: 48 }, (_, i) => (i % 8) + 10 * (i >> 3)),
      width: 8,
      height: 6,
      channels: 1,
    };
    expect(at(ramp, 2.5, 3.5)).toBe(32);
    expect(at(ramp, 3.2, 2.9)).toBeCloseTo(2.7 + 24, 5);
  });

  it('keeps more of fine detail than lookUp, and overshoots nowhere', () => {
    const wave: Plane = {
      data: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.6)),
      width: 64,
      height: 1,
      channels: 1,
    };
    let sharp = 0;
    let linear = 0;
    for (let x = 4.5; x < 60; x += 0.37) {
      const truth = Math.sin((x - 0.5) * 1.6);
      sharp += (at(wave, x, 0.5) - truth) ** 2;
      lookUp(wave, x, 0.5, values);
      linear += (values[0] - truth) ** 2;
    }
    expect(sharp).toBeLessThan(linear);
    const edge: Plane = { data: Float32Array.from([0, 0, 0, 1, 1, 1]), width: 6, height: 1, channels: 1 };
    for (let x = -1; x < 7; x += 0.1) {
      expect(at(edge, x, 0.5)).toBeGreaterThanOrEqual(0);
      expect(at(edge, x, 0.5)).toBeLessThanOrEqual(1);
    }
  });
});

describe('cropPhoto', () => {
  const image = someImage(3, 12, 9);
  const linear: Plane = {
    data: Float32Array.from(image.data, (v) => linearFromSrgb(v / 255)),
    width: 12,
    height: 9,
    channels: 4,
  };

  it.each([
    { centre: [6, 4.5], side: 8, size: 8 },
    { centre: [5.3, 4.1], side: 7, size: 19 },
    { centre: [6.2, 3.9], side: 11, size: 4 },
    { centre: [0, 9], side: 9, size: 5 },
  ] as const)('averages the photo under each pixel: $side pixels to $size', ({ centre, side, size }) => {
    const crop = cropPhoto(image, centre, side, size);
    const taps = Math.max(1, Math.ceil(side / size));
    const expected: number[] = [];
    for (let i = 0; i < 3 * size * size; i++) {
      const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
      let sum = 0;
      for (let k = 0; k < taps * taps; k++) {
        const u = (x + ((k % taps) + 0.5) / taps) * (side / size) + centre[0] - side / 2;
        const v = (y + (Math.floor(k / taps) + 0.5) / taps) * (side / size) + centre[1] - side / 2;
        sum += slowLookUp(linear, u, v, i % 3);
      }
      expected.push(sum / taps ** 2);
    }
    expect(crop.data).toBeCloseToTensor(expected, 1e-6);
  });

  it('keeps pixels as they are at the same scale', () => {
    const { data, left, top, scale } = cropPhoto(image, [5, 4], 4, 4);
    expect([left, top, scale]).toEqual([3, 2, 1]);
    expect(data.subarray(0, 3)).toBeCloseToTensor(linear.data.subarray(4 * (2 * 12 + 3), 4 * (2 * 12 + 3) + 3), 1e-6);
  });
});

describe('cropMask', () => {
  it('takes the nearest byte, borders repeated', () => {
    const mask = new Uint8Array([0, 255, 51, 102]);
    const crop = cropPhoto(someImage(1, 2, 2), [1, 1], 4, 4);
    expect(cropMask(mask, { width: 2, height: 2 }, crop).data).toBeCloseToTensor(
      [0, 0, 1, 1, 0, 0, 1, 1, 0.2, 0.2, 0.4, 0.4, 0.2, 0.2, 0.4, 0.4],
      1e-6,
    );
  });
});

describe('blur', () => {
  it.each([0.6, 1.3, 3])('agrees with a two-dimensional Gaussian, sigma %f', (sigma) => {
    const plane = somePlane(5, 11, 8, 2);
    const radius = Math.ceil(2.5 * sigma);
    const expected = plane.data.map((_, i) => {
      const [x, y] = [Math.floor(i / 2) % 11, Math.floor(i / 2 / 11)];
      let [sum, total] = [0, 0];
      for (let v = -radius; v <= radius; v++) {
        for (let u = -radius; u <= radius; u++) {
          const w = Math.exp(-(u * u + v * v) / (2 * sigma ** 2));
          sum += w * pixel(plane, x + u, y + v, i % 2);
          total += w;
        }
      }
      return sum / total;
    });
    expect(blur(plane, sigma).data).toBeCloseToTensor(expected, 1e-6);
  });

  it('leaves the picture alone at sigma 0, and its own data always', () => {
    const plane = somePlane(6, 4, 4, 1);
    const before = plane.data.slice();
    expect(blur(plane, 0)).toBe(plane);
    blur(plane, 2);
    expect(plane.data).toEqual(before);
  });
});

describe('mapPlane', () => {
  it('applies the function and keeps the rest of a crop', () => {
    const crop = cropPhoto(someImage(1, 4, 4), [2, 2], 4, 2);
    const mapped = mapPlane(crop, (v) => 2 * v);
    expect(mapped).toEqual({ ...crop, data: crop.data.map((v) => 2 * v) });
  });
});

describe('distanceFromMask', () => {
  /** Looks at every pixel for every pixel. */
  function slow({ data, width, height }: Plane): Float32Array {
    const far = width + height;
    return data.map((own, i) => {
      let nearest = far;
      for (let j = 0; j < data.length; j++) {
        if (own >= 0.5 === data[j] >= 0.5) continue;
        const distance = Math.hypot((i % width) - (j % width), Math.floor(i / width) - Math.floor(j / width));
        nearest = Math.min(nearest, distance);
      }
      return own >= 0.5 ? -nearest : nearest;
    });
  }

  it.each([1, 2, 3, 4, 5, 6])('agrees with brute force, seed %i', (seed) => {
    const random = createRandom(seed);
    const [width, height] = [3 + random.integer(20), 3 + random.integer(20)];
    const share = random.uniform(0, 0.2);
    const data = random.uniforms(width * height).map((v) => (v < share ? 0.9 : 0.1));
    const mask = { data, width, height, channels: 1 };
    expect(distanceFromMask(mask).data).toBeCloseToTensor(slow(mask), 1e-4);
  });

  it.each([0, 1])('is far from an edge everywhere when all is %i', (value) => {
    const mask = { data: new Float32Array(20).fill(value), width: 5, height: 4, channels: 1 };
    expect(distanceFromMask(mask).data).toEqual(new Float32Array(20).fill(value ? -9 : 9));
  });
});
