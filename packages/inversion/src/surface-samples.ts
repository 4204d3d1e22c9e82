import type { FaceModel } from '@implicit-faces/avatar';
import type { Codes } from '@implicit-faces/sdf-core';
import { checkFinite } from './finite.js';

/**
 * Fixed places of the skin's chart with everything that is linear about them, so that a step of the optimisation needs no network: points are
 * `points0 + jacobian . codes`.
 */
export interface SurfaceSamples {
  count: number;
  /** `[N, 2]` */
  uv: Float32Array;
  /** `[N, 3]` metres, where the places are at zero codes. */
  origin: Float32Array;
  /** `[N, 3, Dg + De]` metres per unit of code, geometry first. */
  jacobian: Float32Array;
  codeSize: number;
}

/** Asks the model for the points and the Jacobian at places `[N, 2]` of the skin's chart. */
export async function loadSurfaceSamples(model: FaceModel, uv: Float32Array): Promise<SurfaceSamples> {
  const { geometry, expression } = model.manifest.codes;
  const zero: Codes = { geometry: new Float32Array(geometry), expression: new Float32Array(expression) };
  const { points, jacobian } = await model.uv.surfaceJacobian(uv, zero);
  return { count: uv.length / 2, uv, origin: points, jacobian, codeSize: geometry + expression };
}

const loadedSamples = /* @__PURE__ */ new WeakMap<FaceModel['uv'], Map<Float32Array, SurfaceSamples>>();

/**
 * The same for places that the model's topology names (landmarks, vertices), kept as long as the model is: the Jacobian of the vertices takes 0.15 s.
 *
 * @throws FaceError `NOT_FINITE` when a network's answer is none.
 */
export async function loadModelSamples(model: FaceModel, uv: Float32Array): Promise<SurfaceSamples> {
  const loaded = loadedSamples.get(model.uv) ?? new Map<Float32Array, SurfaceSamples>();
  loadedSamples.set(model.uv, loaded);
  const kept = loaded.get(uv);
  if (kept) return kept;
  const samples = await loadSurfaceSamples(model, uv);
  checkFinite('optimise', 'the mean face', samples.origin);
  checkFinite('optimise', "the surface's Jacobian", samples.jacobian);
  loaded.set(uv, samples);
  return samples;
}

/** The same places of one person: the geometry code goes into the origin, and what is left of the codes is the expression `[De]`. */
export function fixGeometry(samples: SurfaceSamples, geometry: Float32Array | Float64Array): SurfaceSamples {
  const { count, uv, jacobian, codeSize } = samples;
  const codes = new Float64Array(codeSize);
  codes.set(geometry);
  const from = geometry.length;
  const left = codeSize - from;
  const own = new Float32Array(3 * count * left);
  for (let i = 0; i < 3 * count; i++) own.set(jacobian.subarray(i * codeSize + from, (i + 1) * codeSize), i * left);
  return { count, uv, origin: posePoints(samples, codes), jacobian: own, codeSize: left };
}

/** Where the places are at codes `[Dg + De]`: `[N, 3]`, metres. */
export function posePoints(
  { count, origin, jacobian, codeSize }: SurfaceSamples,
  codes: Float64Array,
  out = new Float32Array(3 * count),
): Float32Array {
  for (let i = 0; i < 3 * count; i++) {
    let sum = origin[i];
    const row = i * codeSize;
    for (let k = 0; k < codeSize; k++) sum += jacobian[row + k] * codes[k];
    out[i] = sum;
  }
  return out;
}

/** The optical density -ln(albedo) of places of the skin's chart, and how it grows with each texture code. The colour network is linear in this. */
export interface DensitySamples {
  /** `[N, 3]` */
  mean: Float32Array;
  /** `[N, 3, Dt]` */
  basis: Float32Array;
  codeSize: number;
}

/** Asks the model for the density and its basis at places `[N, 2]` of the skin's chart. */
export async function loadDensitySamples(
  model: Pick<FaceModel, 'manifest' | 'uv'>,
  uv: Float32Array,
  signal?: AbortSignal,
  onProgress?: (fraction: number) => void,
): Promise<DensitySamples> {
  const { density, basis } = await model.uv.densityBasis(uv, { signal, onProgress });
  return { mean: density, basis, codeSize: model.manifest.codes.texture };
}

/** The density `[N, 3]` at a texture code. */
export function mixDensity({ mean, basis, codeSize }: DensitySamples, code: Float64Array): Float32Array {
  return mean.map((m, i) => {
    let sum = m;
    for (let k = 0; k < codeSize; k++) sum += basis[i * codeSize + k] * code[k];
    return sum;
  });
}
