import type { Image } from './types.js';

/** A square window on an image, turned about its centre. */
export interface Roi {
  /** Image pixels. */
  centerX: number;
  centerY: number;
  /** Side, image pixels. */
  size: number;
  /** Radians from the image's x axis to the window's, clockwise as seen (y points down). */
  rotation: number;
}

/** How pixel values 0..255 become network input: `value * scale + offset`. */
export interface Normalization {
  scale: number;
  offset: number;
}

/** No network's window is sampled to less than this many pixels along a side. */
const LEAST_SIDE = 96;

/** What lies outside the image: its edge pixels again, or black. */
export type Border = 'replicate' | 'black';

/** The smallest upright window around the whole image. */
export function frameRoi({ width, height }: { width: number; height: number }): Roi {
  return { centerX: width / 2, centerY: height / 2, size: Math.max(width, height), rotation: 0 };
}

/** Takes a point of the window, 0..1 along each side, to image pixels. */
export function imageFromRoi({ centerX, centerY, size, rotation }: Roi, u: number, v: number): [number, number] {
  const x = (u - 0.5) * size;
  const y = (v - 0.5) * size;
  const cos = Math.cos(rotation);
  const sin = Math.sin(rotation);
  return [centerX + x * cos - y * sin, centerY + x * sin + y * cos];
}

/** An image and its halvings, each made when first asked for. */
export class ImagePyramid {
  private readonly levels: Image[];

  constructor(readonly image: Image) {
    this.levels = [image];
  }

  /** The image halved `index` times; halving stops at one pixel. */
  level(index: number): Image {
    while (this.levels.length <= index) this.levels.push(halve(this.levels[this.levels.length - 1] as Image));
    return this.levels[index] as Image;
  }
}

/**
 * Resamples a window of an image to a small square, antialiased: the pyramid takes care of whole octaves, 2x2 bilinear samples per
 * output pixel of the rest.
 *
 * @param side - Pixels along each side of the result.
 * @returns `[side, side, 3]` RGB.
 */
export function cropRoi(
  pyramid: ImagePyramid,
  roi: Roi,
  side: number,
  { scale, offset }: Normalization,
  border: Border,
): Float32Array {
  const shrink = roi.size / side;
  const octave = Math.max(0, Math.floor(Math.log2(shrink)));
  const unit = 1 / 2 ** octave;
  const taps = shrink > 1 ? 2 : 1;

  const [originX, originY] = imageFromRoi(roi, 0, 0);
  const step = shrink / taps;
  const grid: TapGrid = {
    taps,
    count: side * taps,
    originX: originX * unit,
    originY: originY * unit,
    alongX: Math.cos(roi.rotation) * step * unit,
    alongY: Math.sin(roi.rotation) * step * unit,
    isBlackOutside: border === 'black',
  };
  const out = new Float32Array(side * side * 3);
  for (let row = 0; row < grid.count; row++) addTapRow(pyramid.level(octave), grid, row, scale / (taps * taps), out);
  for (let i = 0; i < out.length; i++) out[i] = out[i] + offset;
  return out;
}

/** Where a window's samples lie in a level of the pyramid, that level's pixels. */
interface TapGrid {
  /** Per output pixel along each side, and along the whole side. */
  taps: number;
  count: number;
  originX: number;
  originY: number;
  alongX: number;
  alongY: number;
  isBlackOutside: boolean;
}

/** Adds one row of samples. A function of its own, which engines compile sooner than a long loop that is entered once. */
function addTapRow(
  { data, width, height }: Image,
  grid: TapGrid,
  row: number,
  weight: number,
  out: Float32Array,
): void {
  const { taps, count, originX, originY, alongX, alongY, isBlackOutside } = grid;
  const intoRow = (Math.floor(row / taps) * count) / taps;
  for (let column = 0; column < count; column++) {
    // Continuous coordinates of the sample in this level, minus the half pixel between a pixel's corner and its centre.
    const x = originX + (column + 0.5) * alongX - (row + 0.5) * alongY - 0.5;
    const y = originY + (column + 0.5) * alongY + (row + 0.5) * alongX - 0.5;
    if (isBlackOutside && (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5)) continue;
    const left = Math.floor(x);
    const top = Math.floor(y);
    const fx = x - left;
    const fy = y - top;
    const x0 = Math.min(Math.max(left, 0), width - 1);
    const x1 = Math.min(Math.max(left + 1, 0), width - 1);
    const y0 = Math.min(Math.max(top, 0), height - 1) * width;
    const y1 = Math.min(Math.max(top + 1, 0), height - 1) * width;
    const into = (intoRow + Math.floor(column / taps)) * 3;
    for (let channel = 0; channel < 3; channel++) {
      const upper = data[(y0 + x0) * 4 + channel] * (1 - fx) + data[(y0 + x1) * 4 + channel] * fx;
      const lower = data[(y1 + x0) * 4 + channel] * (1 - fx) + data[(y1 + x1) * 4 + channel] * fx;
      out[into + channel] = out[into + channel] + (upper * (1 - fy) + lower * fy) * weight;
    }
  }
}

/**
 * The part of an image that a window needs, so that a pyramid of it costs what the window does and not what the frame does. It begins at whole blocks of the
 * coarsest level that the window is sampled at, so that the levels are those of the image itself.
 *
 * @returns nothing when the window lies outside.
 */
export function cutOut(
  { data, width, height }: Image,
  roi: Roi,
): { image: Image; left: number; top: number } | undefined {
  // Half the diagonal, and the neighbours that bilinear samples reach.
  const reach = roi.size * Math.SQRT1_2 + 2;
  const block = 2 ** Math.max(0, Math.ceil(Math.log2(roi.size / LEAST_SIDE)));
  const from = (x: number) => Math.max(0, Math.floor((x - reach) / block) * block);
  const to = (x: number, length: number) => Math.min(length, Math.ceil((x + reach) / block) * block);
  const [left, top] = [from(roi.centerX), from(roi.centerY)];
  const [right, bottom] = [to(roi.centerX, width), to(roi.centerY, height)];
  if (!(right > left && bottom > top)) return undefined;
  const out = new Uint8ClampedArray(4 * (right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    out.set(data.subarray(4 * (y * width + left), 4 * (y * width + right)), 4 * (y - top) * (right - left));
  }
  return { image: { data: out, width: right - left, height: bottom - top }, left, top };
}

/** Averages 2x2 blocks; an odd last row or column counts twice. */
function halve({ data, width, height }: Image): Image {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const out = new Uint8ClampedArray(halfWidth * halfHeight * 4);
  for (let y = 0; y < halfHeight; y++) {
    halveRow(data, 2 * y * width, Math.min(2 * y + 1, height - 1) * width, width, out, y * halfWidth);
  }
  return { data: out, width: halfWidth, height: halfHeight };
}

/** Averages two rows that begin at pixels `upper` and `lower` into one. */
function halveRow(
  data: Image['data'],
  upper: number,
  lower: number,
  width: number,
  out: Uint8ClampedArray,
  into: number,
): void {
  for (let x0 = 0, at = 4 * into; x0 < width; x0 += 2) {
    const x1 = Math.min(x0 + 1, width - 1);
    const a = 4 * (upper + x0);
    const b = 4 * (upper + x1);
    const c = 4 * (lower + x0);
    const d = 4 * (lower + x1);
    for (let channel = 0; channel < 4; channel++, at++) {
      out[at] = (data[a + channel] + data[b + channel] + data[c + channel] + data[d + channel]) / 4;
    }
  }
}
