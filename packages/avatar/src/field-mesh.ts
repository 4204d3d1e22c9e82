import { sparseMarchingCubes } from '@implicit-faces/marching-cubes';
import { mergeOptions } from '@implicit-faces/runtime';
import { modelField } from '@implicit-faces/sdf-core';
import { avatarCodes } from './avatar-meshes.js';
import type { FaceModel } from './face-model.js';
import type { Avatar, TriangleMesh } from './types.js';

/** Tunables of `fieldMesh`. */
export interface FieldMeshOptions {
  /** Edge of a cell, metres. */
  cellSize?: number;
  /** How fast the field can change per metre; the network is no exact distance. */
  lipschitz?: number;
  /** `[De]`, instead of the avatar's own. */
  expression?: Float32Array;
  signal?: AbortSignal;
  /** Called with the share of the work that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export const FIELD_MESH_DEFAULTS = { cellSize: 0.002, lipschitz: 1.5 };

/**
 * The avatar's surface as the signed distance network has it, all parts joined: closed, also across the neck.
 *
 * @throws FaceError `MODEL_MISMATCH`, `CODES` as `avatarMeshes` does, `OPTIONS` for a cell size that makes no sense.
 * @example const { positions, indices } = await fieldMesh(model, avatar, { cellSize: 0.001 });
 */
export async function fieldMesh(
  model: FaceModel,
  avatar: Avatar,
  options: FieldMeshOptions = {},
): Promise<TriangleMesh> {
  const { expression = avatar.expressionCode, signal, onProgress } = options;
  const { cellSize, lipschitz } = mergeOptions(FIELD_MESH_DEFAULTS, {
    cellSize: options.cellSize,
    lipschitz: options.lipschitz,
  });
  const codes = avatarCodes('fieldMesh', model, avatar, expression);
  const evaluate = modelField(model.sdf, codes);
  return sparseMarchingCubes({ evaluate, bounds: model.manifest.bounds, cellSize, lipschitz, signal, onProgress });
}
