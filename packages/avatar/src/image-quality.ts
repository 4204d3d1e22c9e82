import type { RgbaImage } from './types.js';

/** Below this mean square error (a fraction of one 8-bit step) pictures count as equal, which keeps the figure finite. */
const LEAST_ERROR = 1e-6;
/** The window of the structural similarity: a Gaussian of 1.5 pixels, cut at 5. */
const SIGMA = 1.5;
const RADIUS = 5;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Peak signal-to-noise ratio of 8-bit colours inside a mask.
 *
 * @param mask - `[H, W]`, counted where it is not 0.
 * @returns decibels; NaN when nothing is inside.
 */
export function computePsnrDb(a: RgbaImage, b: RgbaImage, mask: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    count += 3;
    for (let c = 4 * i; c < 4 * i + 3; c++) sum += (a.data[c] - b.data[c]) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / Math.max(sum / count, LEAST_ERROR));
}

/**
 * Mean structural similarity of the luma inside a mask (Wang et al. 2004: Gaussian window of 1.5 pixels, K1 = 0.01, K2 = 0.03). Windows at
 * the mask's border look beyond it.
 *
 * @param mask - `[H, W]`, counted where it is not 0.
 * @returns -1 to 1; NaN when nothing is inside.
 */
export function computeSsim(a: RgbaImage, b: RgbaImage, mask: Uint8Array): number {
  const box = boundsOf(mask, a.width, a.height);
  const x = cropLuma(a, box);
  const y = cropLuma(b, box);
  const width = box.right - box.left;
  const blurred = (values: Float64Array) => blur(values, width);
  const meanX = blurred(x);
  const meanY = blurred(y);
  const meanXX = blurred(x.map((value) => value * value));
  const meanYY = blurred(y.map((value) => value * value));
  const meanXY = blurred(x.map((value, i) => value * y[i]));
  let sum = 0;
  let count = 0;
  for (let i = 0; i < x.length; i++) {
    const row = Math.floor(i / width);
    if (mask[(box.top + row) * a.width + box.left + i - row * width] === 0) continue;
    const mx = meanX[i];
    const my = meanY[i];
    const similar = (2 * mx * my + C1) * (2 * (meanXY[i] - mx * my) + C2);
    sum += similar / ((mx * mx + my * my + C1) * (meanXX[i] - mx * mx + meanYY[i] - my * my + C2));
    count++;
  }
  return sum / count;
}

interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The mask's bounding box with room for the window, inside the picture. */
function boundsOf(mask: Uint8Array, width: number, height: number): Bounds {
  let [left, top, right, bottom] = [width, height, 0, 0];
  mask.forEach((value, i) => {
    if (value === 0) return;
    const y = Math.floor(i / width);
    const x = i - y * width;
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  return {
    left: Math.max(0, left - RADIUS),
    top: Math.max(0, top - RADIUS),
    right: Math.max(0, Math.min(width, right + RADIUS)),
    bottom: Math.max(0, Math.min(height, bottom + RADIUS)),
  };
}

function cropLuma({ data, width }: RgbaImage, { left, top, right, bottom }: Bounds): Float64Array {
  const columns = Math.max(0, right - left);
  return Float64Array.from({ length: columns * Math.max(0, bottom - top) }, (_, i) => {
    const row = Math.floor(i / columns);
    const pixel = 4 * ((top + row) * width + left + i - row * columns);
    return 0.299 * data[pixel] + 0.587 * data[pixel + 1] + 0.114 * data[pixel + 2];
  });
}

/** Gaussian means of an image, along rows and then along columns; the border's pixels go on outside. */
function blur(values: Float64Array, width: number): Float64Array {
  const height = values.length / width;
  const weights = Array.from({ length: 2 * RADIUS + 1 }, (_, k) => Math.exp(-((k - RADIUS) ** 2) / (2 * SIGMA ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pass = (from: Float64Array, length: number, step: number, along: (i: number) => number) =>
    from.map((_, i) => {
      const place = along(i);
      let sum = 0;
      for (let k = -RADIUS; k <= RADIUS; k++) {
        const other = Math.min(Math.max(place + k, 0), length - 1);
        sum += weights[k + RADIUS] * from[i + (other - place) * step];
      }
      return sum / total;
    });
  const rows = pass(values, width, 1, (i) => i % width);
  return pass(rows, height, width, (i) => Math.floor(i / width));
}
