import {
  type Avatar,
  type PartMesh,
  type RgbaImage,
  rasterize,
  sphericalHarmonicsShading,
} from '@implicit-faces/avatar';
import { LINEAR_FROM_SRGB_BYTE } from '@implicit-faces/uv-param';

/** The albedo as a function of a place in the head's own space, without a texture: what a fully implicit model has. */
export interface ColourField {
  /** Linear albedo `[N, 3]` at points `[N, 3]`, metres. */
  sample(points: Float32Array): Float32Array;
}

/** Colours at places: what a field is fitted to. */
export interface ColourSamples {
  /** `[N, 3]` metres. */
  points: Float32Array;
  /** `[N, 3]` ln(albedo). */
  logAlbedo: Float32Array;
  /** `[N]` how far each is believed, 0 to 1. */
  weights: Float32Array;
}

/** Sides of the cells, metres, coarse to fine. The finest are about as large as a photo's pixels on a face. */
const CELLS = [0.064, 0.032, 0.016, 0.008, 0.004, 0.002, 0.001, 0.0005];
/** Half the side of the cube that heads lie in. */
const REACH = 0.256;
/** Standard deviations of a level's features, and of a sample: every octave counts alike, as in pictures of skin. */
const FEATURE_SIGMA = 0.3;
const SAMPLE_SIGMA = 0.05;
const ITERATIONS = 40;
/** What a mirrored sample counts beside a seen one, as when a texture is finished. */
const MIRROR_WEIGHT = 0.25;
/** As when a texture is taken from a photo: cosines between which skin goes from unseen to seen, and the least light that the photo is divided by. */
const GRAZING = [0.12, 0.4] as const;
const LEAST_SHADING = 0.08;
const LEAST_LIGHT = 0.0015;
const MOST_SAMPLES = 60_000;

/** Cells of one level that hold anything, found by their number: open addressing. */
class SparseGrid {
  private readonly keys: Int32Array;
  private readonly slots: Int32Array;
  private readonly side: number;
  private readonly shift: number;
  count = 0;

  constructor(
    private readonly cell: number,
    /** Number of this level's first feature among all. */
    readonly first: number,
    most: number,
  ) {
    this.side = Math.round((2 * REACH) / cell) + 2;
    const bits = Math.ceil(Math.log2(2 * most + 2));
    this.shift = 32 - bits;
    this.keys = new Int32Array(2 ** bits).fill(-1);
    this.slots = new Int32Array(2 ** bits);
  }

  /** Features at the corners around a point and their trilinear weights, from `at` on; -1 for corners that hold nothing, which `add` makes hold something. */
  locate(x: number, y: number, z: number, index: Int32Array, weights: Float32Array, at: number, add: boolean): void {
    const limit = this.side - 2 - 1e-6;
    const place = (v: number) => Math.min(limit, Math.max(0, (v + REACH) / this.cell));
    const [px, py, pz] = [place(x), place(y), place(z)];
    const [ix, iy, iz] = [Math.floor(px), Math.floor(py), Math.floor(pz)];
    const [sx, sy, sz] = [px - ix, py - iy, pz - iz];
    for (let corner = 0; corner < 8; corner++) {
      const [dx, dy, dz] = [corner & 1, (corner >> 1) & 1, corner >> 2];
      index[at + corner] = this.find(((iz + dz) * this.side + iy + dy) * this.side + ix + dx, add);
      weights[at + corner] = (dx ? sx : 1 - sx) * (dy ? sy : 1 - sy) * (dz ? sz : 1 - sz);
    }
  }

  private find(key: number, add: boolean): number {
    const mask = this.keys.length - 1;
    let at = Math.imul(key, 0x9e3779b1) >>> this.shift;
    while (this.keys[at] !== -1 && this.keys[at] !== key) at = (at + 1) & mask;
    if (this.keys[at] === -1) {
      if (!add) return -1;
      this.keys[at] = key;
      this.slots[at] = this.count++;
    }
    return this.first + this.slots[at];
  }
}

/**
 * Fits a field to colours: a pyramid of sparse grids of features whose trilinear values add up to ln(albedo), by ridge least squares (conjugate gradients). Where nothing is known the coarse levels go on smoothly.
 *
 * @see Fridovich-Keil et al., "Plenoxels", 2022; Sun et al., "Direct voxel grid optimization", 2022. Ours adds levels, as a texture's pyramid does.
 */
export function fitColourField({ points, logAlbedo, weights }: ColourSamples): ColourField {
  const count = weights.length;
  const corners = 8 * CELLS.length;
  const index = new Int32Array(count * corners);
  const share = new Float32Array(count * corners);
  const grids: SparseGrid[] = [];
  for (const [level, cell] of CELLS.entries()) {
    const first = grids.reduce((sum, grid) => sum + grid.count, 0);
    const most = Math.min(8 * count, (Math.round((2 * REACH) / cell) + 2) ** 3);
    const grid = new SparseGrid(cell, first, most);
    for (let n = 0; n < count; n++) {
      grid.locate(points[3 * n], points[3 * n + 1], points[3 * n + 2], index, share, n * corners + 8 * level, true);
    }
    grids.push(grid);
  }
  const size = grids.reduce((sum, grid) => sum + grid.count, 0);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const mean = [0, 1, 2].map((c) => weights.reduce((sum, w, n) => sum + w * logAlbedo[3 * n + c], 0) / total);
  const features = mean.map((m, c) => {
    const target = Float32Array.from(weights, (_, n) => logAlbedo[3 * n + c] - m);
    return solveRidge(index, share, weights, target, size, corners);
  });
  return {
    sample(places) {
      const out = new Float32Array(places.length);
      const at = new Int32Array(8);
      const by = new Float32Array(8);
      for (let i = 0; i < places.length; i += 3) {
        const sum = [...mean];
        for (const grid of grids) {
          grid.locate(places[i], places[i + 1], places[i + 2], at, by, 0, false);
          for (let k = 0; k < 8; k++) if (at[k] >= 0) for (let c = 0; c < 3; c++) sum[c] += by[k] * features[c][at[k]];
        }
        for (let c = 0; c < 3; c++) out[i + c] = Math.min(1, Math.exp(sum[c]));
      }
      return out;
    },
  };
}

/** The features x `[size]` of least sum of w (A x - target)^2 / SAMPLE_SIGMA^2 + x^2 / FEATURE_SIGMA^2; A's rows have `corners` entries each. Conjugate gradients with the diagonal as preconditioner. */
function solveRidge(
  index: Int32Array,
  share: Float32Array,
  weights: Float32Array,
  target: Float32Array,
  size: number,
  corners: number,
): Float32Array {
  const count = weights.length;
  const trust = weights.map((w) => w / SAMPLE_SIGMA ** 2);
  /** A^T of values `[N]`, added to `out`. */
  const spread = (value: (n: number) => number, squared: boolean, out: Float32Array) => {
    for (let n = 0; n < count; n++) {
      const v = value(n);
      for (let k = n * corners; k < (n + 1) * corners; k++) out[index[k]] += v * share[k] * (squared ? share[k] : 1);
    }
    return out;
  };
  const apply = (x: Float32Array) => {
    const gathered = (n: number) => {
      let sum = 0;
      for (let k = n * corners; k < (n + 1) * corners; k++) sum += share[k] * x[index[k]];
      return trust[n] * sum;
    };
    return spread(
      gathered,
      false,
      x.map((v) => v / FEATURE_SIGMA ** 2),
    );
  };
  const diagonal = spread((n) => trust[n], true, new Float32Array(size).fill(FEATURE_SIGMA ** -2));
  const x = new Float32Array(size);
  const residual = spread((n) => trust[n] * target[n], false, new Float32Array(size));
  const dot = (a: Float32Array, b: Float32Array) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
  };
  let scaled = residual.map((r, i) => r / diagonal[i]);
  let direction = scaled.slice();
  let slope = dot(residual, scaled);
  for (let iteration = 0; iteration < ITERATIONS && slope > 1e-12; iteration++) {
    const image = apply(direction);
    const step = slope / dot(direction, image);
    for (let i = 0; i < size; i++) {
      x[i] += step * direction[i];
      residual[i] -= step * image[i];
    }
    scaled = residual.map((r, i) => r / diagonal[i]);
    const next = dot(residual, scaled);
    direction = scaled.map((s, i) => s + (next / slope) * direction[i]);
    slope = next;
  }
  return x;
}

/**
 * What a photo shows of an avatar's skin: places in the head's space and the photo's colours over the light there. Each is mirrored, too, with less weight.
 *
 * @param meshes - of `avatarMeshes`, the skin first.
 * @param person - `[H, W]` 0 to 255.
 */
export function seenColours(
  photo: RgbaImage,
  person: Uint8Array,
  meshes: readonly PartMesh[],
  { camera, lighting }: Pick<Avatar, 'camera' | 'lighting'>,
): ColourSamples {
  const { width, height } = photo;
  const { part, triangle, barycentrics } = rasterize(meshes, camera, { width, height });
  const [{ positions, normals, indices }] = meshes;
  const shading = sphericalHarmonicsShading(lighting);
  const m = camera.cameraFromWorld;
  const eye = [0, 1, 2].map((k) => -(m[4 * k] * m[12] + m[4 * k + 1] * m[13] + m[4 * k + 2] * m[14]));
  const onSkin = part.reduce((sum, p, i) => sum + Number(p === 0 && person[i] > 127), 0);
  // A stride that shares no factor with the picture's width takes pixels from everywhere.
  const stride = Math.max(1, onSkin / MOST_SAMPLES);
  const points: number[] = [];
  const logAlbedo: number[] = [];
  const weights: number[] = [];
  const light = new Float64Array(3);
  const mix = (values: Float32Array, pixel: number) =>
    [0, 1, 2].map((k) =>
      [0, 1, 2].reduce(
        (sum, corner) => sum + barycentrics[3 * pixel + corner] * values[3 * indices[3 * triangle[pixel] + corner] + k],
        0,
      ),
    );
  let due = 0;
  for (let i = 0; i < part.length; i++) {
    if (part[i] !== 0 || person[i] <= 127) continue;
    due++;
    if (due < stride) continue;
    due -= stride;
    const p = mix(positions, i);
    const n = mix(normals, i);
    const length = Math.hypot(...n);
    const view = p.map((x, k) => eye[k] - x);
    const facing = n.reduce((sum, x, k) => sum + (x / length) * view[k], 0) / Math.hypot(...view);
    const seen = Math.min(1, Math.max(0, (facing - GRAZING[0]) / (GRAZING[1] - GRAZING[0])));
    if (seen <= 0) continue;
    shading(n[0] / length, n[1] / length, n[2] / length, light);
    const colour = [0, 1, 2].map((c) =>
      Math.log((LINEAR_FROM_SRGB_BYTE[photo.data[4 * i + c]] + LEAST_LIGHT) / Math.max(LEAST_SHADING, light[c])),
    );
    points.push(...p, -p[0], p[1], p[2]);
    logAlbedo.push(...colour, ...colour);
    weights.push(seen, MIRROR_WEIGHT * seen);
  }
  return {
    points: Float32Array.from(points),
    logAlbedo: Float32Array.from(logAlbedo),
    weights: Float32Array.from(weights),
  };
}
