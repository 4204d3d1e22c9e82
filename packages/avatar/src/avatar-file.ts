import { parseSafetensors, type SafetensorsContent, takeTensor, writeSafetensors } from '@implicit-faces/runtime';
import { FaceError } from './errors.js';
import type { Avatar, RgbaImage, ShadeMap } from './types.js';

const FORMAT = 'implicit-faces-avatar';
const VERSION = '1';
const PART_ALBEDO = 'albedo.';

/** The part of a model's manifest that says which avatars are its own. */
export interface AvatarModel {
  id: string;
  codes: { geometry: number; expression: number; texture: number };
}

/**
 * Writes an avatar in the safetensors layout: `geometryCode` [Dg], `expressionCode` [De], `textureCode` [Dt], `lighting` [9, 3] as F32;
 * `camera.cameraFromWorld` [16] (column-major) and `camera.intrinsics` [focalLengthPx, cx, cy] as F64; `albedo` [H, W, 3] and, for parts with
 * textures of their own, `albedo.NAME` as U8 sRGB; `tuning` [3, 3, Dg] and `shade` [S, S, 3] as F32 and `normalMap` [H, W, 3] as U8, if there are some.
 * The metadata hold `format`, `version` and `modelId`.
 *
 * @throws FaceError `SHAPE` when an array does not have the size that its name says.
 */
export function saveAvatar(avatar: Avatar): Uint8Array<ArrayBuffer> {
  const { albedo, camera, partAlbedos = {}, normalMap, shade, tuning } = avatar;
  const floats = (data: Float32Array, dims = [data.length]) => ({ data: new Float32Array(data), dims });
  return writeSafetensors(
    {
      geometryCode: floats(avatar.geometryCode),
      expressionCode: floats(avatar.expressionCode),
      textureCode: floats(avatar.textureCode),
      lighting: floats(avatar.lighting, [9, 3]),
      'camera.cameraFromWorld': { data: Float64Array.from(camera.cameraFromWorld), dims: [16] },
      'camera.intrinsics': { data: Float64Array.of(camera.focalLengthPx, ...camera.principalPointPx), dims: [3] },
      albedo: imageTensor('albedo', albedo),
      ...Object.fromEntries(
        Object.entries(partAlbedos).map(([part, image]) => [`albedo.${part}`, imageTensor(`albedo.${part}`, image)]),
      ),
      ...(tuning && { tuning: floats(tuning, [3, 3, tuning.length / 9]) }),
      ...(shade && { shade: floats(shade.data, [shade.size, shade.size, 3]) }),
      ...(normalMap && { normalMap: imageTensor('normalMap', normalMap) }),
    },
    { format: FORMAT, version: VERSION, modelId: avatar.modelId },
  );
}

/**
 * Reads an avatar file.
 *
 * @param model - the manifest of the model that it is for; without it the model's id and code sizes are not checked.
 * @throws FaceError `AVATAR_FILE` when the bytes are no whole avatar file, of another version, or hold numbers that are not finite;
 * `MODEL_MISMATCH` when it belongs to another model.
 */
export function loadAvatar(bytes: Uint8Array<ArrayBuffer>, model?: AvatarModel): Avatar {
  const { tensors, metadata } = parsed(bytes);
  if (metadata.format !== FORMAT || metadata.version !== VERSION) {
    const received = metadata.format === FORMAT ? `version ${metadata.version}` : 'a safetensors file of another kind';
    throw broken(`should be an avatar of version ${VERSION}; received ${received}`);
  }
  const { modelId } = metadata;
  if (!modelId) throw broken('modelId is missing');
  if (model && modelId !== model.id) {
    throw new FaceError(
      'MODEL_MISMATCH',
      `loadAvatar: the avatar should be of model ${model.id}; it is of ${modelId}, and codes of one model mean nothing in another. Load that model.`,
    );
  }

  const take = (name: string, dtype: 'F32' | 'F64', dims: (number | string)[]) => {
    const { data } = wrapped(() => takeTensor(tensors, name, dtype, dims));
    if (!data.every(Number.isFinite)) throw broken(`${name} should hold finite numbers only`);
    return data;
  };
  const code = (name: keyof AvatarModel['codes']) =>
    Float32Array.from(take(`${name}Code`, 'F32', [model?.codes[name] ?? 'D']));
  const [focalLengthPx, cx, cy] = take('camera.intrinsics', 'F64', [3]);
  if (focalLengthPx <= 0) throw broken(`the focal length should be positive; received ${focalLengthPx}`);
  const avatar = {
    modelId,
    geometryCode: code('geometry'),
    expressionCode: code('expression'),
    textureCode: code('texture'),
    camera: {
      cameraFromWorld: Float64Array.from(take('camera.cameraFromWorld', 'F64', [16])),
      focalLengthPx,
      principalPointPx: [cx, cy] as const,
    },
    lighting: Float32Array.from(take('lighting', 'F32', [9, 3])),
  };

  const image = (name: string): RgbaImage => {
    const { data: rgb, dims } = wrapped(() => takeTensor(tensors, name, 'U8', ['H', 'W', 3]));
    const [height, width] = dims;
    if (rgb.length === 0) throw broken(`${name} has no texels`);
    const data = new Uint8ClampedArray(4 * width * height).fill(255);
    for (let i = 0, j = 0; j < rgb.length; i += 4, j += 3) {
      data[i] = rgb[j];
      data[i + 1] = rgb[j + 1];
      data[i + 2] = rgb[j + 2];
    }
    return { data, width, height };
  };
  const shade = (): ShadeMap => {
    const data = Float32Array.from(take('shade', 'F32', ['S', 'S', 3]));
    if (data.length === 0) throw broken('shade has no texels');
    return { data, size: Math.sqrt(data.length / 3) };
  };
  const parts = Object.keys(tensors).filter((name) => name.startsWith(PART_ALBEDO));
  return {
    ...avatar,
    albedo: image('albedo'),
    ...('tuning' in tensors && {
      tuning: Float32Array.from(take('tuning', 'F32', [3, 3, model?.codes.geometry ?? 'D'])),
    }),
    ...('shade' in tensors && { shade: shade() }),
    ...('normalMap' in tensors && { normalMap: image('normalMap') }),
    ...(parts.length && {
      partAlbedos: Object.fromEntries(parts.map((name) => [name.slice(PART_ALBEDO.length), image(name)])),
    }),
  };
}

/** `[H, W, 3]` of an opaque picture. */
function imageTensor(name: string, { data, width, height }: RgbaImage) {
  if (data.length !== 4 * width * height) {
    throw new FaceError(
      'SHAPE',
      `saveAvatar: ${name} should be RGBA of ${width}x${height}; received ${data.length} bytes. Fix its size.`,
    );
  }
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0, j = 0; j < rgb.length; i += 4, j += 3) {
    rgb[j] = data[i];
    rgb[j + 1] = data[i + 1];
    rgb[j + 2] = data[i + 2];
  }
  return { data: rgb, dims: [height, width, 3] };
}

function parsed(bytes: Uint8Array<ArrayBuffer>): SafetensorsContent {
  return wrapped(() => parseSafetensors(bytes, 'the avatar file'));
}

/** Says AVATAR_FILE where the layout's reader says what is wrong in its own terms. */
function wrapped<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw broken((cause as Error).message, cause);
  }
}

function broken(what: string, cause?: unknown): FaceError {
  return new FaceError('AVATAR_FILE', `loadAvatar: ${what}. Save the avatar again.`, { cause });
}
