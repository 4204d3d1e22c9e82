import {
  type Avatar,
  avatarMeshes,
  type Camera,
  computeOcclusion,
  type FaceModel,
  projectPoints,
  type RgbaImage,
  renderAvatar,
} from '@implicit-faces/avatar';
import type { Landmarker } from '@implicit-faces/landmarks';
import { createRandom } from '@implicit-faces/test-utils';
import { bakeAlbedo, encodeSrgb } from '@implicit-faces/uv-param';
import { createAppearance } from '../../src/stages/appearance.js';

/** A photo of a face of which everything is known. */
export interface KnownFace {
  avatar: Avatar;
  photo: RgbaImage;
  /** Detects the true landmarks, in `detect` at once and in `mask` the true outline; counts its calls. */
  landmarker: Landmarker & { calls: string[] };
  /** `[68, 3]` pixels and depth of the true landmarks. */
  landmarks68: Float32Array;
}

export interface KnownFaceOptions {
  camera: Camera;
  width: number;
  height: number;
  /** Weights by name, of the model's expressions. */
  expression?: Record<string, number>;
  seed: number;
}

/** Makes up an avatar of random codes and photographs it in usual light, with the shadows that the head casts on itself. */
export async function photographKnownFace(model: FaceModel, options: KnownFaceOptions): Promise<KnownFace> {
  const { camera, width, height, expression = {}, seed } = options;
  const random = createRandom(seed);
  const { codes, expressionNames, id } = model.manifest;
  const code = (size: number, deviation: number) =>
    Float32Array.from({ length: size }, () => deviation * random.normal());
  const avatar: Avatar = {
    modelId: id,
    geometryCode: code(codes.geometry, 0.7),
    expressionCode: Float32Array.from(expressionNames, (name) => expression[name] ?? 0),
    textureCode: code(codes.texture, 0.7),
    albedo: { data: new Uint8ClampedArray(4), width: 1, height: 1 },
    camera,
    lighting: Float32Array.from(createAppearance(0).lighting),
  };
  const baked = await bakeAlbedo(model.uv, avatar.textureCode, avatar.expressionCode, 256);
  avatar.albedo = { data: encodeSrgb(baked.data), width: 256, height: 256 };
  const meshes = await avatarMeshes(model, avatar);
  const background = [90, 120, 110] as const;
  const occlusion = computeOcclusion(meshes);
  const photo = renderAvatar(meshes, camera, avatar.lighting, { width, height, background, occlusion });
  const all = await projectLandmarks(model, avatar, 468);
  // Detected depth is in pixels too, relative to the head.
  const middle = all.reduce((sum, v, i) => (i % 3 === 2 ? sum + v / 468 : sum), 0);
  const points = all.map((v, i) => (i % 3 === 2 ? ((v - middle) * camera.focalLengthPx) / middle : v));
  const calls: string[] = [];
  const landmarker = {
    calls,
    async detect() {
      calls.push('detect');
      return { box: { x: 0, y: 0, width, height }, points: points.slice(), score: 1, faceCount: 1 };
    },
    async track() {
      calls.push('track');
      return { points: points.slice(), score: 1 };
    },
    async mask() {
      calls.push('mask');
      return { data: photo.mask.slice(), width, height };
    },
    dispose: async () => {},
  };
  return { avatar, photo, landmarker, landmarks68: await projectLandmarks(model, avatar, 68) };
}

/** An avatar's landmarks as its own camera sees them: `[L, 3]`, pixels and depth. */
export async function projectLandmarks(model: FaceModel, avatar: Avatar, set: 68 | 468): Promise<Float32Array> {
  const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
  return projectPoints(avatar.camera, await model.uv.surfaceFromUv(model.uv.topology.landmarks[set], codes));
}

/** Whether two pictures have the same bytes; quicker than comparing millions of numbers one by one. */
export function isSamePicture(a: RgbaImage, b: RgbaImage): boolean {
  const [x, y] = [a, b].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.compare(x, y) === 0;
}
