import type { Codes } from '@implicit-faces/sdf-core';
import type { UvModel } from './uv-model.js';

/** How far a point is from where g and its inverse bring it back to. */
export interface CycleErrors {
  /** `[N]`, metres; NaN where g sees another chart than the skin's, which has no inverse. */
  errors: Float32Array;
  /** `[N, 2]` */
  uv: Float32Array;
}

/**
 * Checks that g and its inverse undo each other: |g^-1(g(x)) - x| for points on the skin.
 *
 * @param points - `[N, 3]`, posed space, metres, on the skin.
 */
export async function computeCycleErrors(model: UvModel, points: Float32Array, codes: Codes): Promise<CycleErrors> {
  const { uv, chart } = await model.uvFromSurface(points, codes);
  const back = await model.surfaceFromUv(uv, codes);
  const errors = Float32Array.from(chart, (part, i) =>
    part === 0
      ? Math.hypot(
          back[3 * i] - points[3 * i],
          back[3 * i + 1] - points[3 * i + 1],
          back[3 * i + 2] - points[3 * i + 2],
        )
      : Number.NaN,
  );
  return { errors, uv };
}
