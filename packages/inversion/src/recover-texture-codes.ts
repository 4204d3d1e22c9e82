import type { FaceModel } from '@implicit-faces/avatar';
import { FaceError } from './errors.js';
import { addPrior, addSparseResidual, createNormalEquations, solveStep } from './normal-equations.js';
import { loadDensitySamples } from './surface-samples.js';

/** Standard deviation of what no code explains, as optical density, and how many places say something of their own. */
const DENSITY_SIGMA = 0.1;
const INDEPENDENT = 1500;
/** Darker than any skin: a black texel would outweigh everything as density. */
const DARKEST = 0.004;
/** Most codes change the skin somewhere else. */
const NO_SLOPE = 1e-4;

/**
 * The texture codes that come nearest to albedos which are known, from a scan or a painter: ridge least squares in optical density, which is linear in the code, with the prior N(0, 1).
 *
 * @param places - `[N, 2]` of the skin's chart.
 * @param albedos - each `[N, 3]`, linear RGB at the places. Several cost little more than one.
 * @returns `[Dt]` for each albedo.
 * @throws FaceError `SCAN` for fewer than 100 places, arrays that do not fit or numbers that are not finite. Throws the signal's reason when aborted.
 * @example const [code] = await recoverTextureCodes(model, uv, [albedo]);
 */
export async function recoverTextureCodes(
  model: Pick<FaceModel, 'manifest' | 'uv'>,
  places: Float32Array,
  albedos: readonly Float32Array[],
  options: { signal?: AbortSignal; onProgress?: (share: number) => void } = {},
): Promise<Float32Array[]> {
  const count = places.length / 2;
  if (!Number.isInteger(count) || count < 100) {
    throw new FaceError(
      'SCAN',
      `recoverTextureCodes: places should be [N, 2] with N of 100 or more; received ${places.length} numbers.`,
    );
  }
  for (const [k, albedo] of albedos.entries()) {
    const bad = albedo.findIndex((value) => !Number.isFinite(value));
    if (albedo.length !== 3 * count || bad >= 0) {
      const received = bad >= 0 ? `${albedo[bad]} at ${bad}` : `${albedo.length} numbers`;
      throw new FaceError(
        'SCAN',
        `recoverTextureCodes: albedos[${k}] should be [${count}, 3] and finite; received ${received}.`,
      );
    }
  }
  const { mean, basis, codeSize } = await loadDensitySamples(model, places, options.signal, options.onProgress);
  const weight = Math.min(1, INDEPENDENT / count) / DENSITY_SIGMA ** 2;
  const parameters = new Int32Array(codeSize);
  const values = new Float64Array(codeSize);
  return albedos.map((albedo) => {
    const equations = createNormalEquations(codeSize);
    for (let i = 0; i < 3 * count; i++) {
      let active = 0;
      for (let k = 0; k < codeSize; k++) {
        const slope = basis[i * codeSize + k];
        if (Math.abs(slope) < NO_SLOPE) continue;
        parameters[active] = k;
        values[active++] = slope;
      }
      addSparseResidual(
        equations,
        parameters,
        values,
        active,
        mean[i] + Math.log(Math.max(albedo[i], DARKEST)),
        weight,
      );
    }
    for (let k = 0; k < codeSize; k++) addPrior(equations, k, 0, 1);
    return Float32Array.from(solveStep(equations, 0) ?? new Float64Array(codeSize));
  });
}
