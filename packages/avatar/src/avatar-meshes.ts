import type { Codes } from '@implicit-faces/sdf-core';
import type { PartTopology } from '@implicit-faces/uv-param';
import { FaceError } from './errors.js';
import type { FaceModel } from './face-model.js';
import { computeNormals } from './mesh-normals.js';
import { closeNeck } from './neck-wall.js';
import { shadedAlbedo } from './shaded-albedo.js';
import { avatarSurface } from './tuning.js';
import type { Avatar, PartMesh, RgbaImage } from './types.js';

export interface AvatarMeshesOptions {
  /** `[De]`, instead of the avatar's own. */
  expression?: Float32Array;
  /**
   * Gives the skin the wall and floor under the neck's rim that f has, as vertices behind the others: the mesh is closed then, and seen from below no hole. Off for what
   * compares the skin alone with a photo.
   */
  closeNeck?: boolean;
  /** The skin's image is its `shadedAlbedo`, for pictures in the avatar's own light, instead of its albedo. */
  shaded?: boolean;
  /** `[V, 3]` what `avatarSurface` says of the skin's vertices at these codes, where that is known already: the network is not asked again then. */
  skinPositions?: Float32Array;
  signal?: AbortSignal;
}

/**
 * The avatar's parts as meshes: the skin's topology put through the inverse of g, as the avatar has tuned it, and the other parts under their transforms.
 *
 * @returns one mesh per part in the manifest's order, posed space, metres, with smooth normals. The skin's image is the avatar's albedo, and its normal map the avatar's.
 * @throws FaceError `MODEL_MISMATCH` when the avatar is of another model, `CODES` when a code does not fit it, `SHAPE` for `skinPositions` of another number of vertices.
 * @example const [skin, eyeLeft] = await avatarMeshes(model, avatar);
 */
export async function avatarMeshes(
  model: FaceModel,
  avatar: Avatar,
  options: AvatarMeshesOptions = {},
): Promise<PartMesh[]> {
  const { expression = avatar.expressionCode, skinPositions, signal } = options;
  const codes = avatarCodes('avatarMeshes', model, avatar, expression);
  signal?.throwIfAborted();
  const { skin, parts } = model.uv.topology;
  if (skinPositions && skinPositions.length !== skin.uv.length * 1.5) {
    const received = `${skinPositions.length} numbers`;
    throw new FaceError(
      'SHAPE',
      `avatarMeshes: skinPositions should be [${skin.uv.length / 2}, 3]; received ${received}.`,
    );
  }
  const positions = skinPositions ?? (await avatarSurface(model, avatar, skin.uv, codes));
  signal?.throwIfAborted();
  const transforms = await model.uv.partTransforms(codes);
  signal?.throwIfAborted();
  const { normalMap } = avatar;
  const skinMesh = withNormals(
    model.manifest.parts[0],
    positions,
    skin,
    options.shaded ? shadedAlbedo(avatar) : avatar.albedo,
  );
  const open = { ...skinMesh, ...(normalMap && { normalMap }) };
  return [
    options.closeNeck ? closeNeck(open) : open,
    ...parts.map((part, i) =>
      withNormals(
        part.name,
        transformPoints(transforms.subarray(12 * i, 12 * i + 12), part.positions),
        part,
        avatar.partAlbedos?.[part.name] ?? partImage(part),
      ),
    ),
  ];
}

/** The avatar's codes for its model, with an expression of one's own. */
export function avatarCodes(who: string, model: FaceModel, avatar: Avatar, expression: Float32Array): Codes {
  if (avatar.modelId !== model.manifest.id) {
    throw new FaceError(
      'MODEL_MISMATCH',
      `${who}: the avatar is of model ${avatar.modelId}; received model ${model.manifest.id}. Codes of one model mean nothing in another.`,
    );
  }
  return { geometry: avatar.geometryCode, expression };
}

/** `[3, 4]` row-major times `[V, 3]` points. */
export function transformPoints(transform: Float32Array, points: Float32Array): Float32Array {
  const m = transform;
  const out = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i];
    const y = points[i + 1];
    const z = points[i + 2];
    out[i] = m[0] * x + m[1] * y + m[2] * z + m[3];
    out[i + 1] = m[4] * x + m[5] * y + m[6] * z + m[7];
    out[i + 2] = m[8] * x + m[9] * y + m[10] * z + m[11];
  }
  return out;
}

function withNormals(
  name: string,
  positions: Float32Array,
  { uv, triangles }: { uv: Float32Array; triangles: Uint32Array },
  image: RgbaImage,
): PartMesh {
  return { name, positions, normals: computeNormals(positions, triangles), uvs: uv, indices: triangles, image };
}

/** The model's own texture of a part, opaque. */
export function partImage({ texture: { data, size } }: PartTopology): RgbaImage {
  const rgba = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let i = 0, j = 0; j < data.length; i += 4, j += 3) {
    rgba[i] = data[j];
    rgba[i + 1] = data[j + 1];
    rgba[i + 2] = data[j + 2];
  }
  return { data: rgba, width: size, height: size };
}
