import { encodeNormalMap, hiddenLight, type RgbaImage, sphericalHarmonics } from '@implicit-faces/avatar';
import { type ChartMap, resampleChartMap } from '@implicit-faces/uv-param';
import { type HeightFieldProblem, solveHeightField } from '../height-field.js';
import { blur } from '../photo.js';
import { sphericalHarmonicsGradient } from './appearance.js';
import {
  createTexelLookUp,
  type SeenScene,
  seenInScene,
  type TexelGeometry,
  texelGeometry,
  texelTangents,
} from './texture.js';

export interface ReliefInput {
  /** The photos of one person, each with the light that was found in it. */
  scenes: readonly SeenScene[];
  /** Which of a scene's meshes. */
  part: number;
  /** `[size, size, 3]` linear, what the skin is like without relief. */
  albedo: Float32Array;
  size: number;
  /** Places of the chart that may have relief, 255: plain skin. Hair, lips and lids look like it and are none. */
  skin: ChartMap;
}

export interface Relief {
  /** In the tangent frame of docs/conventions.md, `size` squared. */
  normalMap: RgbaImage;
  /**
   * How much more the photo's fine detail agrees with relief under the light's own direction than under the direction across it, as a ratio: 3 for relief without a grain of its own, and 1 for
   * colour, which knows no direction. (A slope's shading goes by the cosine of the angle between wave and light: what comes back along the light is the mean of cos^4, and across it that of cos^2 sin^2.)
   */
  evidence: number;
}

/** Detail is what lies between these blurs' standard deviations, metres: what is finer is noise, what is coarser is shape, light and complexion. */
const DETAIL = [0.0005, 0.0025] as const;
/** Standard deviation of the relief's slope, and the length over which slopes are alike, metres. */
const SLOPE_SIGMA = 0.15;
const SLOPE_LENGTH = 0.001;
/** Heights beyond this times the slope's deviation are held back, metres: what is as wide as that has its place in the mesh. */
const WIDEST = 0.002;
/** Standard deviations of the detail's logarithm that are no relief: noise of each channel, more or less pigment, more or less light (pores, sparse hair). */
const DETAIL_SIGMA = { noise: 0.02, pigment: 0.15, grey: 0.02 };
/** Detail that is stronger than this is an edge of something. */
const OUTLIER = 0.25;
const STEEPEST = 1;
const LEAST_SHADING = 0.08;
/** Texels from this weight on are looked at. */
const LEAST_WEIGHT = 0.05;

/**
 * The skin's fine relief from shading: the height field whose slopes explain what is left of the photo's fine detail when light and albedo are taken away, as far as a prior on slopes lets it. Slopes change
 * all channels as the light does, pigment changes them as the skin's own colour does, so the two are told apart where they differ; where the light does not change with the normal, nothing is found.
 *
 * @returns undefined where nothing can be said: too little skin in sight.
 * @see Horn, "Height and gradient from shading", 1990, for the linear form; Beeler et al., "High-quality single-shot capture of facial geometry", 2010, for detail that is taken from the high frequencies alone.
 */
export function findRelief({ scenes, part, albedo, size, skin }: ReliefInput): Relief | undefined {
  const onSkin = resampleChartMap(skin, size);
  const relief = createProblem(size);
  const along = createProblem(size);
  const across = createProblem(size);
  const looked = new Uint8Array(size * size);
  let texels = 0;
  let first: TexelGeometry | undefined;
  for (const scene of scenes) {
    const geometry = texelGeometry(scene.meshes[part], size);
    first ??= geometry;
    texels += addScene({ relief, along, across }, scene, part, geometry, albedo, size, onSkin, looked);
  }
  if (!first || texels < size) return undefined;
  const { heights } = solveHeightField(relief);
  const evidence = solveHeightField(along).gain / solveHeightField(across).gain;
  const tangents = texelTangents(scenes[0].meshes[part], first.normals, first.raster);
  return { normalMap: encodeNormalMap(slopesToNormals(heights, first, tangents, size), size, size), evidence };
}

function createProblem(size: number): HeightFieldProblem {
  // Off the skin the field is flat.
  return {
    size,
    form: new Float32Array(3 * size * size).fill(1),
    slope: new Float32Array(2 * size * size),
    ridge: new Float32Array(size * size).fill(1),
  };
}

/**
 * Adds what a photo says of slopes. Beside it, with the prior alone to hold them back, what it says of those along the light, and what it would say if the light came from a quarter of a turn aside
 * in the tangent plane.
 *
 * @param looked - `[size, size]` 1 where another photo has said something; its prior stands.
 * @returns how many texels were looked at.
 */
function addScene(
  { relief, along, across }: Record<'relief' | 'along' | 'across', HeightFieldProblem>,
  scene: SeenScene,
  part: number,
  geometry: TexelGeometry,
  albedo: Float32Array,
  size: number,
  onSkin: ArrayLike<number>,
  looked: Uint8Array,
): number {
  const { ratio, weight, detail } = seenInScene(scene, part, undefined, albedo, size, geometry);
  for (let i = 0; i < weight.length; i++) if (onSkin[i] < 255) weight[i] = 0;
  const { positions, normals } = geometry;
  const pitch = texelPitch(positions, weight, size);
  if (!(pitch > 0)) return 0;
  const fine = fineDetail(ratio, weight, size, pitch);
  const { lighting, occlusion } = scene;
  const lost = occlusion && createTexelLookUp(geometry, hiddenLight(occlusion, lighting));
  const hidden = new Float64Array(3);
  const y = new Float64Array(9);
  const dy = new Float64Array(27);
  const light = new Float64Array(3);
  const byNormal = new Float64Array(9);
  const pigment = new Float64Array(3);
  const precision = new Float64Array(9);
  let count = 0;
  for (let i = 0; i < size * (size - 1); i++) {
    if (weight[i] < LEAST_WEIGHT || i % size === size - 1) continue;
    const dual = dualBasis(positions, normals, i, size);
    if (!dual) continue;
    count++;
    const [nx, ny, nz] = normals.subarray(3 * i, 3 * i + 3);
    sphericalHarmonics(nx, ny, nz, y);
    sphericalHarmonicsGradient(nx, ny, nz, dy);
    lost?.(i, hidden);
    for (let c = 0; c < 3; c++) {
      light[c] = -hidden[c];
      for (let j = 0; j < 3; j++) byNormal[3 * c + j] = 0;
      for (let k = 0; k < 9; k++) {
        light[c] += lighting[3 * k + c] * y[k];
        for (let j = 0; j < 3; j++) byNormal[3 * c + j] += lighting[3 * k + c] * dy[3 * k + j];
      }
      pigment[c] = -Math.log(Math.min(0.95, Math.max(albedo[3 * i + c], 1e-3)));
    }
    detailPrecision(pigment, precision);
    // A texel is no more of a sample than the photo has pixels there, and edges of other things are none.
    let squares = 0;
    for (let c = 0; c < 3; c++) squares += fine[3 * i + c] ** 2 / 3;
    const texel = Math.min(1, (1000 * pitch * detail[i]) ** 2);
    const trust = (weight[i] * texel) / (1 + squares / OUTLIER ** 2) ** 2;
    // What a step of height right (0) and below (1) does to each channel's logarithm: the normal turns by minus the slope.
    const rows = [new Float64Array(3), new Float64Array(3)];
    const turned = [new Float64Array(3), new Float64Array(3)];
    for (let d = 0; d < 2; d++) {
      const [ax, ay, az] = dual.vectors[d];
      const [tx, ty, tz] = [ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax];
      for (let c = 0; c < 3; c++) {
        const shading = Math.max(LEAST_SHADING, light[c]);
        const [gx, gy, gz] = byNormal.subarray(3 * c, 3 * c + 3);
        rows[d][c] = -(gx * ax + gy * ay + gz * az) / shading;
        turned[d][c] = -(gx * tx + gy * ty + gz * tz) / shading;
      }
    }
    const prior = (dual.area / SLOPE_LENGTH ** 2) * SLOPE_SIGMA ** -2;
    const [xx, xy, yy] = dual.metric.map((g) => g * prior);
    const found = fine.subarray(3 * i, 3 * i + 3);
    for (const [problem, own] of [
      [relief, rows],
      [along, rows],
      [across, turned],
    ] as const) {
      const { form, slope, ridge } = problem;
      if (!looked[i]) {
        form.set([xx, xy, yy], 3 * i);
        ridge[i] = prior / WIDEST ** 2;
      }
      for (let d = 0; d < 2; d++) slope[2 * i + d] += trust * weigh(own[d], precision, found);
    }
    looked[i] = 1;
    relief.form[3 * i] += trust * weigh(rows[0], precision, rows[0]);
    relief.form[3 * i + 1] += trust * weigh(rows[0], precision, rows[1]);
    relief.form[3 * i + 2] += trust * weigh(rows[1], precision, rows[1]);
  }
  return count;
}

/** What of the photo's logarithm is detail, `[size, size, 3]`; blurs look at texels by their weight. `pitch` is metres per texel. */
function fineDetail(ratio: Float32Array, weight: Float32Array, size: number, pitch: number): Float32Array {
  const data = new Float32Array(4 * size * size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = weight[i] * ratio[3 * i + c];
    data[4 * i + 3] = weight[i];
  }
  const [fine, coarse] = DETAIL.map(
    (sigma) => blur({ data, width: size, height: size, channels: 4 }, sigma / pitch).data,
  );
  return ratio.map((_, i) => {
    const at = 4 * Math.floor(i / 3);
    const c = at + (i % 3);
    return data[at + 3] > 0 ? fine[c] / fine[at + 3] - coarse[c] / coarse[at + 3] : 0;
  });
}

/** Metres between texels, on the median over those that are seen. */
function texelPitch(positions: Float32Array, weight: Float32Array, size: number): number {
  const steps: number[] = [];
  for (let i = 0; i < size * (size - 1); i += 3) {
    if (weight[i] < LEAST_WEIGHT || i % size === size - 1) continue;
    const step = Math.hypot(...[0, 1, 2].map((c) => positions[3 * (i + 1) + c] - positions[3 * i + c]));
    if (step > 0) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1];
}

/**
 * The vectors a and b in the tangent plane with which the surface's gradient of a height is a times its step to the right plus b times its step below, their products
 * [aa, ab, bb], and a texel's area, square metres.
 */
function dualBasis(positions: Float32Array, normals: Float32Array, i: number, size: number) {
  const [nx, ny, nz] = normals.subarray(3 * i, 3 * i + 3);
  const tangent = (j: number) => {
    const [x, y, z] = [0, 1, 2].map((c) => positions[3 * j + c] - positions[3 * i + c]);
    const into = x * nx + y * ny + z * nz;
    return [x - into * nx, y - into * ny, z - into * nz];
  };
  const [u, v] = [tangent(i + 1), tangent(i + size)];
  const dot = (a: readonly number[], b: readonly number[]) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const [uu, uv, vv] = [dot(u, u), dot(u, v), dot(v, v)];
  const determinant = uu * vv - uv * uv;
  if (!(determinant > 0)) return undefined; // nor is it where a neighbour lies outside the chart
  const a = u.map((x, c) => (vv * x - uv * v[c]) / determinant);
  const b = v.map((x, c) => (uu * x - uv * u[c]) / determinant);
  return {
    vectors: [a, b],
    metric: [vv / determinant, -uv / determinant, uu / determinant],
    area: Math.sqrt(determinant),
  };
}

/** The inverse covariance `[3, 3]` of detail that is no relief. */
function detailPrecision(pigment: Float64Array, out: Float64Array): void {
  const { noise, pigment: sigma, grey } = DETAIL_SIGMA;
  const mean = (pigment[0] + pigment[1] + pigment[2]) / 3;
  const s = (a: number, b: number) =>
    (a === b ? noise ** 2 : 0) + (sigma ** 2 * pigment[a] * pigment[b]) / mean ** 2 + grey ** 2;
  const [a, b, c, d, e, f] = [s(0, 0), s(0, 1), s(0, 2), s(1, 1), s(1, 2), s(2, 2)];
  const [p, q, r] = [d * f - e * e, c * e - b * f, b * e - c * d];
  const determinant = a * p + b * q + c * r;
  out.set([p, q, r, q, a * f - c * c, b * c - a * e, r, b * c - a * e, a * d - b * b].map((x) => x / determinant));
}

function weigh(a: ArrayLike<number>, precision: Float64Array, b: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) sum += a[j] * precision[3 * j + k] * b[k];
  return sum;
}

/** Heights, metres, as unit normals in the tangent frame `[size, size, 3]`; straight out of the surface where the chart ends. */
function slopesToNormals(
  heights: Float64Array,
  { positions, normals }: TexelGeometry,
  tangents: Float32Array,
  size: number,
): Float32Array {
  const out = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    out[3 * i + 2] = 1;
    const dual = i % size < size - 1 && i < size * (size - 1) ? dualBasis(positions, normals, i, size) : undefined;
    if (!dual) continue;
    const right = heights[i + 1] - heights[i];
    const below = heights[i + size] - heights[i];
    const [gx, gy, gz] = [0, 1, 2].map((c) => dual.vectors[0][c] * right + dual.vectors[1][c] * below);
    const [nx, ny, nz] = normals.subarray(3 * i, 3 * i + 3);
    const [tx, ty, tz, w] = tangents.subarray(4 * i, 4 * i + 4);
    let x = -(gx * tx + gy * ty + gz * tz);
    let y = -w * (gx * (ny * tz - nz * ty) + gy * (nz * tx - nx * tz) + gz * (nx * ty - ny * tx));
    const steep = Math.hypot(x, y);
    if (steep > STEEPEST) [x, y] = [(x / steep) * STEEPEST, (y / steep) * STEEPEST];
    const length = Math.hypot(x, y, 1);
    out.set([x / length, y / length, 1 / length], 3 * i);
  }
  return out;
}
