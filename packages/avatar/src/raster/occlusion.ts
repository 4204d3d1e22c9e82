import { mergeOptions } from '@implicit-faces/runtime';
import { sphericalHarmonics } from '../lighting.js';
import type { Lighting, PartMesh } from '../types.js';

/** Tunables of `computeOcclusion`. */
export interface OcclusionOptions {
  /** From how many sides, evenly spread, it is asked what hides what. */
  directions?: number;
  /** Side of the depth map that each of them sees, pixels. */
  size?: number;
}

export const OCCLUSION_DEFAULTS: Required<OcclusionOptions> = { directions: 128, size: 160 };

/** The cosine lobe's share of each order of the harmonics. @see Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps", 2001 */
const LOBE = [Math.PI, (2 * Math.PI) / 3, Math.PI / 4];
/** What comes back, of the light that is hidden, from the skin that hides it. */
const BOUNCE = 0.15;
/** Metres in front of a place's own tangent plane where what is seen begins to hide it, and where it hides it all: surfaces bend, and the mesh's triangles are as wide as that. */
const NEAR = 0.0008;
const RAMP = 0.0015;
/** Light that comes in flatter than this cosine hardly counts, and across a tangent plane that steep a pixel tells little. */
const FLATTEST = 0.08;

type ShadedMesh = Pick<PartMesh, 'positions' | 'normals' | 'indices'>;

/**
 * What the meshes hide from each other and from themselves of each harmonic: where the shading of open surfaces is lighting . Y(n), theirs is lighting . (Y(n) - O).
 *
 * With visibility V(d) the harmonics' light at a vertex is T_k = 1 / A_l times the integral of V(d) max(0, n . d) Y_k(d) (precomputed radiance transfer: Sloan, Kautz and Snyder 2002),
 * and O_k = Y_k(n) - T_k is the same integral over what is hidden. Summed over hidden directions alone it is exactly 0 where nothing is, however few they are. Visibility is looked up in depth maps from far
 * away, four pixels around a place (percentage-closer filtering), against the place's own tangent plane, so that it does not hide itself. A part of the hidden light comes back from what hides it.
 *
 * @param meshes - in one space, metres; all hide all. Sides that face away hide nothing.
 * @returns `[V, 9]` per mesh, in the order of docs/conventions.md.
 */
export function computeOcclusion(meshes: readonly ShadedMesh[], options: OcclusionOptions = {}): Float32Array[] {
  const { directions, size } = mergeOptions(OCCLUSION_DEFAULTS, options);
  const out = meshes.map(({ positions }) => new Float32Array(3 * positions.length));
  const turned = meshes.map(({ positions }) => new Float32Array(positions.length));
  const depth = new Float32Array(size * size);
  const harmonics = new Float64Array(9);
  for (const direction of evenDirections(directions)) {
    const axes = axesAcross(direction);
    const pixel = turnMeshes(meshes, axes, turned, size);
    depth.fill(Number.NEGATIVE_INFINITY);
    meshes.forEach(({ indices }, m) => drawDepth(turned[m], indices, depth, size));
    sphericalHarmonics(direction[0], direction[1], direction[2], harmonics);
    const share = (4 * Math.PI * (1 - BOUNCE)) / directions;
    for (let k = 0; k < 9; k++) harmonics[k] *= share / LOBE[k === 0 ? 0 : k < 4 ? 1 : 2];
    meshes.forEach(({ normals }, m) => addHidden(turned[m], normals, axes, pixel, depth, size, harmonics, out[m]));
  }
  return out;
}

/**
 * The light that occlusion takes from each vertex, before albedo.
 *
 * @param occlusion - `[V, 9]` of `computeOcclusion`.
 * @returns `[V, 3]` linear RGB.
 */
export function hiddenLight(occlusion: Float32Array, lighting: Lighting | Float64Array): Float32Array {
  const count = occlusion.length / 9;
  const out = new Float32Array(3 * count);
  for (let v = 0; v < count; v++) {
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < 9; k++) sum += lighting[3 * k + c] * occlusion[9 * v + k];
      out[3 * v + c] = sum;
    }
  }
  return out;
}

type Vector = readonly [number, number, number];

/** Unit vectors on a spiral from pole to pole, each in the middle of an equal share of the sphere. @see Swinbank and Purser, "Fibonacci grids", 2006 */
function evenDirections(count: number): Vector[] {
  return Array.from({ length: count }, (_, i) => {
    const y = 1 - (2 * i + 1) / count;
    const around = i * Math.PI * (3 - Math.sqrt(5));
    const flat = Math.sqrt(1 - y * y);
    return [flat * Math.cos(around), y, flat * Math.sin(around)];
  });
}

/** Right and up across a direction, and the direction itself, as the rows of a rotation. No direction of the spiral is a pole. */
function axesAcross([x, y, z]: Vector): readonly Vector[] {
  const flat = Math.hypot(x, z);
  const right = [z / flat, 0, -x / flat] as const;
  return [right, [y * right[2], z * right[0] - x * right[2], -y * right[0]], [x, y, z]];
}

/** Puts the vertices into the direction's frame: pixels of its map, and metres toward it. @returns a pixel's side, metres. */
function turnMeshes(
  meshes: readonly ShadedMesh[],
  [right, up, toward]: readonly Vector[],
  out: readonly Float32Array[],
  size: number,
): number {
  let [left, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [farRight, top] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  meshes.forEach(({ positions: p }, m) => {
    const turned = out[m];
    for (let i = 0; i < p.length; i += 3) {
      const x = right[0] * p[i] + right[1] * p[i + 1] + right[2] * p[i + 2];
      const y = up[0] * p[i] + up[1] * p[i + 1] + up[2] * p[i + 2];
      turned[i] = x;
      turned[i + 1] = y;
      turned[i + 2] = toward[0] * p[i] + toward[1] * p[i + 1] + toward[2] * p[i + 2];
      if (x < left) left = x;
      if (x > farRight) farRight = x;
      if (y < bottom) bottom = y;
      if (y > top) top = y;
    }
  });
  // A pixel is left free all around, for the filter.
  const pixel = Math.max(farRight - left, top - bottom, 1e-9) / (size - 3);
  for (const turned of out) {
    for (let i = 0; i < turned.length; i += 3) {
      turned[i] = (turned[i] - left) / pixel + 1.5;
      turned[i + 1] = (turned[i + 1] - bottom) / pixel + 1.5;
    }
  }
  return pixel;
}

/** Draws the triangles that face the direction, the nearest at each pixel's centre. */
function drawDepth(p: Float32Array, indices: Uint32Array, depth: Float32Array, size: number): void {
  for (let t = 0; t < indices.length; t += 3) {
    const a = 3 * indices[t];
    const b = 3 * indices[t + 1];
    const c = 3 * indices[t + 2];
    const ax = p[a];
    const ay = p[a + 1];
    const bx = p[b] - ax;
    const by = p[b + 1] - ay;
    const cx = p[c] - ax;
    const cy = p[c + 1] - ay;
    const area = bx * cy - by * cx;
    if (!(area > 0)) continue;
    const left = Math.ceil(ax + Math.min(0, bx, cx) - 0.5);
    const right = Math.floor(ax + Math.max(0, bx, cx) - 0.5);
    const bottom = Math.ceil(ay + Math.min(0, by, cy) - 0.5);
    const top = Math.floor(ay + Math.max(0, by, cy) - 0.5);
    const az = p[a + 2];
    const bz = (p[b + 2] - az) / area;
    const cz = (p[c + 2] - az) / area;
    for (let j = bottom; j <= top; j++) {
      const y = j + 0.5 - ay;
      for (let i = left; i <= right; i++) {
        const x = i + 0.5 - ax;
        const v = x * cy - y * cx; // the weights of b and c, times the area
        const w = bx * y - by * x;
        if (v < 0 || w < 0 || v + w > area) continue;
        const z = az + v * bz + w * cz;
        const at = j * size + i;
        if (z > depth[at]) depth[at] = z;
      }
    }
  }
}

/** Adds what one direction's map hides from vertices that face it. */
function addHidden(
  p: Float32Array,
  normals: Float32Array,
  [right, up, toward]: readonly Vector[],
  pixel: number,
  depth: Float32Array,
  size: number,
  harmonics: Float64Array,
  out: Float32Array,
): void {
  for (let i = 0, at = 0; i < p.length; i += 3, at += 9) {
    const nx = normals[i];
    const ny = normals[i + 1];
    const nz = normals[i + 2];
    const cosine = toward[0] * nx + toward[1] * ny + toward[2] * nz;
    if (cosine <= FLATTEST) continue;
    const x = p[i] - 0.5;
    const y = p[i + 1] - 0.5;
    const column = Math.floor(x);
    const line = Math.floor(y);
    const sx = x - column;
    const sy = y - line;
    // How the tangent plane rises from one pixel to the next, metres.
    const steep = -pixel / cosine;
    const perColumn = steep * (right[0] * nx + right[1] * ny + right[2] * nz);
    const perLine = steep * (up[0] * nx + up[1] * ny + up[2] * nz);
    const plane = p[i + 2] + NEAR - sx * perColumn - sy * perLine;
    const corner = line * size + column;
    let hidden = 0;
    const above00 = depth[corner] - plane;
    if (above00 > 0) hidden += (1 - sx) * (1 - sy) * Math.min(1, above00 / RAMP);
    const above10 = depth[corner + 1] - plane - perColumn;
    if (above10 > 0) hidden += sx * (1 - sy) * Math.min(1, above10 / RAMP);
    const above01 = depth[corner + size] - plane - perLine;
    if (above01 > 0) hidden += (1 - sx) * sy * Math.min(1, above01 / RAMP);
    const above11 = depth[corner + size + 1] - plane - perColumn - perLine;
    if (above11 > 0) hidden += sx * sy * Math.min(1, above11 / RAMP);
    if (hidden === 0) continue;
    const weight = cosine * hidden;
    for (let k = 0; k < 9; k++) out[at + k] += weight * harmonics[k];
  }
}
