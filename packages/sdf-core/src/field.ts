import type { Codes } from './latent-codes.js';
import type { Vec3 } from './primitives.js';
import type { SdfModel } from './sdf-model.js';

/** A scalar field, evaluated in batches: points `[N, 3]` -> distances `[N]`, metres, negative inside. */
export type Field = (points: Float32Array) => Float32Array | Promise<Float32Array>;

/** An axis-aligned box, metres. */
export interface Box {
  readonly min: readonly [number, number, number];
  readonly max: readonly [number, number, number];
}

/** A model's field at fixed codes. */
export function modelField(model: SdfModel, codes: Codes): Field {
  return (points) => model.evaluate(points, codes);
}

/** A field from a function of one point, such as a composition of the primitives. */
export function pointwiseField(distance: (point: Vec3) => number): Field {
  return (points) =>
    Float32Array.from({ length: points.length / 3 }, (_, i) =>
      distance([points[3 * i], points[3 * i + 1], points[3 * i + 2]]),
    );
}
