import { type Files, loadTensors, type Manifest, takeTensor } from '@implicit-faces/runtime';
import type { Codes } from '@implicit-faces/sdf-core';
import { computeCycleErrors, type UvModel } from '@implicit-faces/uv-param';
import { distancesBetween } from './vectors.js';
import { FARTHEST } from './zero-set.js';

/** Step of the difference that tells metres from UV. */
const STEP = 1e-3;

/** Places of which the atlas says where they are: on triangles of the generator's vertices, and on our chart. */
export interface AtlasCheck {
  /** `[N, 3]` vertices of FaceKit. */
  triangles: Uint32Array;
  /** `[N, 3]` barycentric. */
  weights: Float32Array;
  /** `[N, 2]` */
  uv: Float32Array;
}

/** One face's figures, point by point, metres. A point that g puts on another chart counts as `FARTHEST`. */
export interface UvFigures {
  uv: Float32Array;
  inverseUv: Float32Array;
  cycle: Float32Array;
}

/** Reads the check places that come with the model. */
export async function loadAtlasCheck(files: Files, manifest: Manifest): Promise<AtlasCheck> {
  const tensors = await loadTensors(files, manifest, 'topology');
  const triangles = takeTensor(tensors, 'check.triangle', 'U32', ['N', 3]);
  const count = triangles.dims[0];
  return {
    triangles: triangles.data,
    weights: takeTensor(tensors, 'check.weights', 'F32', [count, 3]).data,
    uv: takeTensor(tensors, 'check.uv', 'F32', [count, 2]).data,
  };
}

/** Where the places are on a mesh of FaceKit's vertices `[V, 3]` -> `[N, 3]`. */
export function placesAt({ triangles, weights }: AtlasCheck, positions: Float32Array): Float32Array {
  return Float32Array.from({ length: triangles.length }, (_, at) => {
    const [i, k] = [Math.floor(at / 3), at % 3];
    return [0, 1, 2].reduce((sum, c) => sum + weights[3 * i + c] * positions[3 * triangles[3 * i + c] + k], 0);
  });
}

/**
 * Where g puts places of which the atlas says where they belong, measured along the surface: the error in UV times the surface's own stretch; where
 * the inverse puts them; and how far the two lead astray one after the other.
 *
 * @param positions - the true vertices, `[V, 3]`.
 * @param surfacePoints - points on the true face for the cycle, `[N, 3]`.
 */
export async function measureUv(
  model: UvModel,
  codes: Codes,
  check: AtlasCheck,
  positions: Float32Array,
  surfacePoints: Float32Array,
): Promise<UvFigures> {
  const count = check.uv.length / 2;
  const points = placesAt(check, positions);
  const { uv, chart } = await model.uvFromSurface(points, codes);
  const at = await model.surfaceFromUv(check.uv, codes);
  const perAxis = await Promise.all(
    [0, 1].map((axis) =>
      model.surfaceFromUv(
        check.uv.map((x, i) => (i % 2 === axis ? x + STEP : x)),
        codes,
      ),
    ),
  );
  const errors = Float32Array.from({ length: count }, (_, i) => {
    if (chart[i] !== 0) return FARTHEST;
    const [du, dv] = [uv[2 * i] - check.uv[2 * i], uv[2 * i + 1] - check.uv[2 * i + 1]];
    const moved = [0, 1, 2].map((k) => {
      const [alongU, alongV] = perAxis.map((shifted) => (shifted[3 * i + k] - at[3 * i + k]) / STEP);
      return du * alongU + dv * alongV;
    });
    return Math.min(Math.hypot(...moved), FARTHEST);
  });
  const cycle = await computeCycleErrors(model, surfacePoints, codes);
  return {
    uv: errors,
    inverseUv: distancesBetween(points, at),
    cycle: cycle.errors.map((error) => (Number.isNaN(error) ? FARTHEST : Math.min(error, FARTHEST))),
  };
}
