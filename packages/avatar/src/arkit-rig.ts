import { type AvatarMeshesOptions, avatarCodes, avatarMeshes, transformPoints } from './avatar-meshes.js';
import { solveBoundedLeastSquares } from './bounded-least-squares.js';
import type { FaceModel } from './face-model.js';
import { computeNormals } from './mesh-normals.js';
import { buildWall, closeNeck, extendToFeet } from './neck-wall.js';
import type { Avatar, PartMesh } from './types.js';

/** How a vertex moves, and how its normal turns, when one weight goes from 0 to 1. */
export interface MorphTarget {
  /** `[V, 3]` metres. */
  positions: Float32Array;
  /** `[V, 3]` */
  normals: Float32Array;
}

/** A part at rest, with what moves it. */
export interface RiggedMesh extends PartMesh {
  /** One per name of the rig, in its order; `undefined` where that weight does not move the part. */
  targets: (MorphTarget | undefined)[];
}

/** An avatar as a linear rig: `position = base + sum of weight * target`. */
export interface ArkitRig {
  /** Apple's 52 names. */
  names: readonly string[];
  /** `[52]` 0 to 1: the fitted expression. */
  weights: Float32Array;
  meshes: RiggedMesh[];
}

/**
 * Motion below a tenth of a millimetre is less than the networks' error and cannot be seen. Leaving it out keeps the targets sparse: it
 * makes a GLB of the first model 12 MB; half of it makes 17 MB.
 */
const STILL = 1e-4;
/** Turns of the normal below about a degree, likewise. */
const STILL_NORMAL = 0.02;

/**
 * Makes the avatar a rig of Apple's 52 blendshapes. The skin's targets are exact, because its network is linear in the codes; the other
 * parts' are the chords of their transforms (an eye that turns by 30 degrees becomes 4 % flatter on the way).
 *
 * What the weights cannot say of the fitted expression is added to the base, so that base + sum of weight * target is the mesh of
 * `avatarMeshes` to rounding.
 *
 * @throws FaceError `MODEL_MISMATCH`, `CODES` as `avatarMeshes` does.
 */
export async function computeArkitRig(
  model: FaceModel,
  avatar: Avatar,
  options: Pick<AvatarMeshesOptions, 'closeNeck' | 'signal'> = {},
): Promise<ArkitRig> {
  const { closeNeck: closed, signal } = options;
  const { manifest, uv } = model;
  const { matrix } = uv.topology.rig;
  const names = manifest.arkitNames;
  const rest = avatarCodes('computeArkitRig', model, avatar, new Float32Array(manifest.codes.expression));
  const fitted = await avatarMeshes(model, avatar, { signal });
  const weights = Float32Array.from(solveBoundedLeastSquares(matrix, avatar.expressionCode));

  const { jacobian } = await uv.surfaceJacobian(uv.topology.skin.uv, rest);
  signal?.throwIfAborted();
  const moves = [skinMoves(jacobian, manifest.codes, matrix, names.length)];
  const still = await uv.partTransforms(rest);
  const partMoves: Float32Array[][] = uv.topology.parts.map(() => []);
  for (let k = 0; k < names.length; k++) {
    const expression = rest.expression.map((_, row) => matrix[row * names.length + k]);
    const moved = await uv.partTransforms({ ...rest, expression });
    signal?.throwIfAborted();
    const difference = moved.map((value, i) => value - still[i]);
    uv.topology.parts.forEach(({ positions }, i) => {
      partMoves[i].push(transformPoints(difference.subarray(12 * i, 12 * i + 12), positions));
    });
  }
  moves.push(...partMoves);
  const [skin, ...parts] = fitted.map((mesh, i) => rigged(mesh, moves[i], weights));
  return { names, weights, meshes: [closed ? closeRiggedNeck(skin) : skin, ...parts] };
}

/** The feet follow the rim, and the floor the rim's lowest place of the base, which hardly moves: the floor is not linear, morph targets are. */
function closeRiggedNeck(mesh: RiggedMesh): RiggedMesh {
  const { positions, normals, indices } = mesh;
  const wall = buildWall(indices, normals.length / 3);
  if (wall.rim.length === 0) return mesh;
  const lowest = wall.rim.reduce((low, v) => (positions[3 * v + 1] < positions[3 * low + 1] ? v : low));
  const targets = mesh.targets.map((target) => {
    if (!target) return undefined;
    const { positions: move } = target;
    const mean = (axis: number) => wall.rim.reduce((sum, v) => sum + move[3 * v + axis], 0) / wall.rim.length;
    const moves = extendToFeet(move, 3, wall, [mean(0), 0, mean(2)]);
    for (let i = move.length + 1; i < moves.length; i += 3) moves[i] = move[3 * lowest + 1];
    return { positions: moves, normals: extendToFeet(target.normals, 3, wall, [0, 0, 0]) };
  });
  return { ...closeNeck(mesh, wall), targets };
}

/** The skin's motion with each weight: `[V, 3, Dg + De]` by `[De, 52]` -> 52 times `[V, 3]`. */
function skinMoves(
  jacobian: Float32Array,
  codes: { geometry: number; expression: number },
  matrix: Float32Array,
  columns: number,
): Float32Array[] {
  const stride = codes.geometry + codes.expression;
  return Array.from({ length: columns }, (_, k) => {
    const out = new Float32Array(jacobian.length / stride);
    for (let row = 0; row < codes.expression; row++) {
      const weight = matrix[row * columns + k];
      if (weight === 0) continue;
      for (let i = 0, j = codes.geometry + row; i < out.length; i++, j += stride) out[i] += weight * jacobian[j];
    }
    return out;
  });
}

function rigged(mesh: PartMesh, moves: Float32Array[], weights: Float32Array): RiggedMesh {
  const kept = moves.map((move) => withoutNoise(move, STILL));
  // In double precision, so that the sum comes back to the fitted mesh.
  const sum = Float64Array.from(mesh.positions);
  kept.forEach((move, k) => {
    if (move) for (let i = 0; i < sum.length; i++) sum[i] -= weights[k] * move[i];
  });
  const positions = Float32Array.from(sum);
  const normals = computeNormals(positions, mesh.indices);
  const targets = kept.map((move) => {
    if (!move) return undefined;
    const moved = positions.map((value, i) => value + move[i]);
    const turned = computeNormals(moved, mesh.indices).map((value, i) => value - normals[i]);
    return { positions: move, normals: withoutNoise(turned, STILL_NORMAL) ?? new Float32Array(turned.length) };
  });
  return { ...mesh, positions, normals, targets };
}

/** The vectors that are longer than a threshold, the others zero; `undefined` when none is. */
function withoutNoise(vectors: Float32Array, threshold: number): Float32Array | undefined {
  const out = new Float32Array(vectors.length);
  let any = false;
  for (let i = 0; i < vectors.length; i += 3) {
    if (Math.hypot(vectors[i], vectors[i + 1], vectors[i + 2]) < threshold) continue;
    any = true;
    out.set(vectors.subarray(i, i + 3), i);
  }
  return any ? out : undefined;
}
