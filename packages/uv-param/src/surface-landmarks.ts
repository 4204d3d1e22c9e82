import type { Codes } from '@implicit-faces/sdf-core';
import type { UvModel } from './uv-model.js';

/**
 * Where a face's landmarks are: fixed places of the chart, put through the inverse of g.
 *
 * @param set - 68: iBUG's order; 468: MediaPipe's.
 * @returns `[L, 3]`, posed space, metres.
 */
export function surfaceLandmarks(model: UvModel, codes: Codes, set: 68 | 468): Promise<Float32Array> {
  return model.surfaceFromUv(model.topology.landmarks[set], codes);
}
