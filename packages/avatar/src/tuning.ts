import type { Codes } from '@implicit-faces/sdf-core';
import { FaceError } from './errors.js';
import type { FaceModel } from './face-model.js';
import type { Avatar } from './types.js';

/**
 * Where places of the skin's chart are on an avatar: g^-1 at its codes, and what its `tuning` adds.
 *
 * @param uv - `[N, 2]`
 * @param codes - the avatar's, in an expression of one's own if need be.
 * @returns `[N, 3]` posed space, metres.
 * @throws FaceError `SHAPE` when the tuning has another size than [3, 3, Dg].
 */
export async function avatarSurface(
  model: Pick<FaceModel, 'uv'>,
  { tuning }: Pick<Avatar, 'tuning'>,
  uv: Float32Array,
  codes: Codes,
): Promise<Float32Array> {
  if (!tuning) return model.uv.surfaceFromUv(uv, codes);
  const { points, jacobian } = await model.uv.surfaceJacobian(uv, codes);
  return addTuning(points, jacobian, codes.geometry.length, tuning);
}

/**
 * Moves points by a tuning, in place.
 *
 * @param points - `[N, 3]` metres.
 * @param jacobian - `[N, 3, Dg + De]` of `surfaceJacobian`.
 * @param tuning - `[3, 3, Dg]`: the offset along axis a is the sum over b and k of tuning[a, b, k] * jacobian[b, k].
 */
export function addTuning(
  points: Float32Array,
  jacobian: Float32Array,
  geometrySize: number,
  tuning: Float32Array,
): Float32Array {
  if (tuning.length !== 9 * geometrySize) {
    throw new FaceError(
      'SHAPE',
      `avatarSurface: tuning should be [3, 3, ${geometrySize}]; received ${tuning.length} numbers. It belongs to another model.`,
    );
  }
  const stride = jacobian.length / points.length;
  for (let i = 0; i < points.length; i++) {
    const from = 3 * geometrySize * (i % 3);
    const place = (i - (i % 3)) * stride;
    let sum = 0;
    for (let b = 0; b < 3; b++) {
      for (let k = 0; k < geometrySize; k++) {
        sum += tuning[from + b * geometrySize + k] * jacobian[place + b * stride + k];
      }
    }
    points[i] += sum;
  }
  return points;
}
