import type { RgbaImage } from '@implicit-faces/avatar';
import { linearFromSrgb } from '@implicit-faces/uv-param';
import { FaceError } from './errors.js';

/** A picture in which a point may be looked up between pixels. */
export interface Plane {
  /** `[height, width, channels]` */
  data: Float32Array;
  width: number;
  height: number;
  channels: number;
}

/** Throws `IMAGE` unless data, width and height make a picture of bytes: other numbers would be looked up as such, and NaN would get in. */
export function checkImage(who: string, image: RgbaImage): void {
  const { width, height } = image;
  const data: unknown = image.data;
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  const isBytes = data instanceof Uint8ClampedArray || data instanceof Uint8Array;
  if (isSize && isBytes && data.length === 4 * width * height) return;
  const { length = 0 } = (data ?? []) as ArrayLike<number>;
  const received = isBytes || !data ? length : `${Object.prototype.toString.call(data).slice(8, -1)} of ${length}`;
  throw new FaceError(
    'IMAGE',
    `${who}: image should hold width x height RGBA bytes; received ${received} for ${width}x${height}. Decode the file first.`,
  );
}

/** A square part of the photo at another scale: x_crop = (x_photo - left) * scale. */
export interface Crop extends Plane {
  left: number;
  top: number;
  scale: number;
}

/** 8-bit sRGB to linear light. */
const LINEAR = Float32Array.from({ length: 256 }, (_, i) => linearFromSrgb(i / 255));

/**
 * The box (centre x, y and side, photo pixels) as a crop of `size` pixels, in linear light, each pixel the average of the photo under it. Beyond the
 * photo its border is repeated.
 */
export function cropPhoto(image: RgbaImage, centre: readonly [number, number], side: number, size: number): Crop {
  const scale = size / side;
  const left = centre[0] - side / 2;
  const top = centre[1] - side / 2;
  const taps = Math.max(1, Math.ceil(1 / scale));
  const columns = pixelShares(left, scale, size, taps, image.width);
  const rows = pixelShares(top, scale, size, taps, image.height);
  const data = new Float32Array(3 * size * size);
  // Rows of the photo, across which the crop's pixels are averaged already: two that follow each other are all that a row of the crop has in common with the next.
  const averaged = [new Float64Array(3 * size), new Float64Array(3 * size)];
  const averagedOf = [-1, -1];
  for (let y = 0; y < size; y++) {
    const out = data.subarray(3 * y * size, 3 * (y + 1) * size);
    for (let k = rows.start[y], row = rows.first[y]; k < rows.start[y + 1]; k++, row++) {
      const slot = row & 1;
      if (averagedOf[slot] !== row) averageRow(image, row, columns, averaged[slot]);
      averagedOf[slot] = row;
      addRow(averaged[slot], rows.shares[k], out);
    }
  }
  return { data, width: size, height: size, channels: 3, left, top, scale };
}

/** The photo's pixels along one side under each of a crop's: from `first` on those of `shares` from `start` up to the next one's, which add up to 1. */
interface PixelShares {
  /** `[size]` */
  first: Int32Array;
  /** `[size + 1]` */
  start: Int32Array;
  shares: Float64Array;
}

/** Each pixel of a crop is the mean of `taps` places evenly spread over it, bilinear between the photo's pixels, of which there are `length`. */
function pixelShares(from: number, scale: number, size: number, taps: number, length: number): PixelShares {
  const place = (tap: number) => Math.min(Math.max(from + (tap + 0.5) / taps / scale - 0.5, 0), length - 1);
  const after = (tap: number) => Math.ceil(place(tap));
  const first = Int32Array.from({ length: size }, (_, i) => Math.floor(place(i * taps)));
  const start = new Int32Array(size + 1);
  for (let i = 0; i < size; i++) start[i + 1] = start[i] + after((i + 1) * taps - 1) + 1 - first[i];
  const shares = new Float64Array(start[size]);
  for (let i = 0; i < size; i++) {
    for (let tap = i * taps; tap < (i + 1) * taps; tap++) {
      const before = Math.floor(place(tap));
      const share = place(tap) - before;
      shares[start[i] + before - first[i]] += (1 - share) / taps;
      shares[start[i] + after(tap) - first[i]] += share / taps;
    }
  }
  return { first, start, shares };
}

// Functions of their own, which engines compile sooner than a long loop that is entered once.

/** A row of the photo in linear light, averaged to the crop's pixels: `[size, 3]`. */
function averageRow({ data, width }: RgbaImage, row: number, columns: PixelShares, out: Float64Array): void {
  const { first, start, shares } = columns;
  for (let x = 0; x < first.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let k = start[x], at = 4 * (row * width + first[x]); k < start[x + 1]; k++, at += 4) {
      red += shares[k] * LINEAR[data[at]];
      green += shares[k] * LINEAR[data[at + 1]];
      blue += shares[k] * LINEAR[data[at + 2]];
    }
    out[3 * x] = red;
    out[3 * x + 1] = green;
    out[3 * x + 2] = blue;
  }
}

function addRow(row: Float64Array, share: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] += share * row[i];
}

/** The same view of a map of bytes over the photo (a mask), 0 to 1. */
export function cropMask(mask: Uint8Array, image: { width: number; height: number }, crop: Crop): Plane {
  const data = new Float32Array(crop.width * crop.height);
  const under = (i: number, from: number, length: number) =>
    Math.min(length - 1, Math.max(0, Math.floor(from + (i + 0.5) / crop.scale)));
  const columns = Int32Array.from({ length: crop.width }, (_, x) => under(x, crop.left, image.width));
  for (let y = 0; y < crop.height; y++) {
    const row = image.width * under(y, crop.top, image.height);
    for (let x = 0; x < crop.width; x++) data[y * crop.width + x] = mask[row + columns[x]] / 255;
  }
  return { data, width: crop.width, height: crop.height, channels: 1 };
}

/** Applies a function to every value of a plane. */
export function mapPlane<T extends Plane>(plane: T, f: (value: number) => number): T {
  return { ...plane, data: plane.data.map(f) };
}

/**
 * Bilinear values and their derivatives at a pixel place. Beyond the outermost pixels' centres the border is repeated, so nothing changes outward.
 *
 * @param values - `[channels]`
 * @param gradients - `[channels, 2]` by x and y, per pixel.
 */
export function lookUp(plane: Plane, px: number, py: number, values: Float64Array, gradients?: Float64Array): void {
  const { data, width, height, channels } = plane;
  const x = Math.min(Math.max(px - 0.5, 0), width - 1);
  const y = Math.min(Math.max(py - 0.5, 0), height - 1);
  const x0 = Math.max(0, Math.min(Math.floor(x), width - 2));
  const y0 = Math.max(0, Math.min(Math.floor(y), height - 2));
  const sx = x - x0;
  const sy = y - y0;
  const at = channels * (y0 * width + x0);
  const right = width > 1 ? channels : 0;
  const below = height > 1 ? channels * width : 0;
  for (let c = 0; c < channels; c++) {
    const a = data[at + c];
    const b = data[at + right + c];
    const d = data[at + below + c];
    const e = data[at + below + right + c];
    values[c] = (1 - sy) * ((1 - sx) * a + sx * b) + sy * ((1 - sx) * d + sx * e);
    if (gradients) {
      gradients[2 * c] = x === px - 0.5 ? (1 - sy) * (b - a) + sy * (e - d) : 0;
      gradients[2 * c + 1] = y === py - 0.5 ? (1 - sx) * (d - a) + sx * (e - b) : 0;
    }
  }
}

/**
 * Values at a pixel place by cubic convolution (Keys 1981, a = -1/2), never beyond those of the four nearest pixels: sharper than bilinear where a picture is
 * enlarged, and free of halos. Borders are repeated.
 */
export function lookUpSharp({ data, width, height, channels }: Plane, px: number, py: number, values: Float64Array) {
  const x1 = Math.floor(px - 0.5);
  const y1 = Math.floor(py - 0.5);
  keys(px - 0.5 - x1, WEIGHTS_X);
  keys(py - 0.5 - y1, WEIGHTS_Y);
  const ua = WEIGHTS_X[0];
  const ub = WEIGHTS_X[1];
  const uc = WEIGHTS_X[2];
  const ud = WEIGHTS_X[3];
  // Spelt out, for every texel of a texture comes here: two nested loops take twice as long, and so does a function for a row while nothing is compiled yet.
  const xa = channels * Math.min(width - 1, Math.max(0, x1 - 1));
  const xb = channels * Math.min(width - 1, Math.max(0, x1));
  const xc = channels * Math.min(width - 1, Math.max(0, x1 + 1));
  const xd = channels * Math.min(width - 1, Math.max(0, x1 + 2));
  const row = channels * width;
  const ya = row * Math.min(height - 1, Math.max(0, y1 - 1));
  const yb = row * Math.min(height - 1, Math.max(0, y1));
  const yc = row * Math.min(height - 1, Math.max(0, y1 + 1));
  const yd = row * Math.min(height - 1, Math.max(0, y1 + 2));
  for (let c = 0; c < channels; c++) {
    const [p, q, r, s] = [ya + c, yb + c, yc + c, yd + c];
    const a = data[q + xb];
    const b = data[q + xc];
    const d = data[r + xb];
    const e = data[r + xc];
    const sum =
      WEIGHTS_Y[0] * (ua * data[p + xa] + ub * data[p + xb] + uc * data[p + xc] + ud * data[p + xd]) +
      WEIGHTS_Y[1] * (ua * data[q + xa] + ub * a + uc * b + ud * data[q + xd]) +
      WEIGHTS_Y[2] * (ua * data[r + xa] + ub * d + uc * e + ud * data[r + xd]) +
      WEIGHTS_Y[3] * (ua * data[s + xa] + ub * data[s + xb] + uc * data[s + xc] + ud * data[s + xd]);
    values[c] = Math.min(Math.max(a, b, d, e), Math.max(Math.min(a, b, d, e), sum));
  }
}

const WEIGHTS_X = /* @__PURE__ */ new Float64Array(4);
const WEIGHTS_Y = /* @__PURE__ */ new Float64Array(4);

/** Keys' weights of the pixels at -1, 0, 1 and 2 for a place `s` of the way from pixel 0 to pixel 1. */
function keys(s: number, out: Float64Array): void {
  const [s2, s3] = [s * s, s * s * s];
  out[0] = -0.5 * s + s2 - 0.5 * s3;
  out[1] = 1 - 2.5 * s2 + 1.5 * s3;
  out[2] = 0.5 * s + 2 * s2 - 1.5 * s3;
  out[3] = -0.5 * s2 + 0.5 * s3;
}

/** A Gaussian blur, separable, borders repeated. */
export function blur<T extends Plane>(plane: T, sigma: number): T {
  if (sigma <= 0) return plane;
  const radius = Math.ceil(2.5 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((a, b) => a + b);
  const { width, height, channels } = plane;
  const pass = (from: Float32Array, length: number, stride: number, other: number, otherStride: number) => {
    const out = new Float32Array(from.length);
    for (let o = 0; o < other; o++) {
      for (let i = 0; i < length; i++) {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let k = -radius; k <= radius; k++) {
            const j = Math.min(length - 1, Math.max(0, i + k));
            sum += kernel[k + radius] * from[channels * (o * otherStride + j * stride) + c];
          }
          out[channels * (o * otherStride + i * stride) + c] = sum / total;
        }
      }
    }
    return out;
  };
  return { ...plane, data: pass(pass(plane.data, width, 1, height, width), height, width, width, 1) };
}

/** Signed distance to the edge of a mask in pixels: positive outside it. Exact, by lower envelopes of parabolas (Felzenszwalb and Huttenlocher 2012). */
export function distanceFromMask(mask: Plane, threshold = 0.5): Plane {
  const { data, width, height } = mask;
  const outside = squaredDistance(data, width, height, (value) => value >= threshold);
  const inside = squaredDistance(data, width, height, (value) => value < threshold);
  const far = width + height;
  return {
    data: outside.map((d, i) => Math.min(far, Math.sqrt(d)) - Math.min(far, Math.sqrt(inside[i]))),
    width,
    height,
    channels: 1,
  };
}

function squaredDistance(
  data: Float32Array,
  width: number,
  height: number,
  isSeed: (value: number) => boolean,
): Float32Array {
  const out = Float32Array.from(data, (value) => (isSeed(value) ? 0 : 1e10));
  const longest = Math.max(width, height);
  const line = new Float64Array(longest);
  const vertex = new Int32Array(longest);
  const border = new Float64Array(longest + 1);
  const transform = (start: number, stride: number, length: number) => {
    for (let i = 0; i < length; i++) line[i] = out[start + i * stride];
    let k = 0;
    vertex[0] = 0;
    border[0] = Number.NEGATIVE_INFINITY;
    border[1] = Number.POSITIVE_INFINITY;
    for (let q = 1; q < length; q++) {
      let s: number;
      do {
        const p = vertex[k];
        s = (line[q] + q * q - line[p] - p * p) / (2 * q - 2 * p);
      } while (s <= border[k] && --k >= 0);
      k++;
      vertex[k] = q;
      border[k] = s;
      border[k + 1] = Number.POSITIVE_INFINITY;
    }
    k = 0;
    for (let q = 0; q < length; q++) {
      while (border[k + 1] < q) k++;
      out[start + q * stride] = (q - vertex[k]) ** 2 + line[vertex[k]];
    }
  };
  for (let x = 0; x < width; x++) transform(x, width, height);
  for (let y = 0; y < height; y++) transform(y * width, 1, width);
  return out;
}
