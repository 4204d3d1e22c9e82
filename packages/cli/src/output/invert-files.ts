import {
  avatarMeshes,
  avatarSurface,
  computeOcclusion,
  computePsnrDb,
  computeSsim,
  createMipmaps,
  exportGlb,
  type FaceModel,
  type RgbaImage,
  renderAvatar,
  saveAvatar,
  viewCamera,
} from '@implicit-faces/avatar';
import {
  computeProjectedNme,
  computeRenderNme,
  type InvertedAvatar,
  type InvertedPhoto,
} from '@implicit-faces/inversion';
import type { Landmarker } from '@implicit-faces/landmarks';
import { encodeMask, encodePicture } from './encode.js';
import type { OutputFolder } from './output-folder.js';
import { createReport, describePhoto, type InvertReport, type PhotoReport } from './report.js';

/** Everything that `invert` writes, and what it is. */
export const INVERT_FILES = {
  'avatar.glb': 'the avatar for other programs, with 52 blendshapes',
  'avatar.safetensors': 'the avatar itself: codes, texture, camera, light',
  'texture.png': 'the albedo, to paint on',
  'render.png': 'the avatar over the photo',
  'mask.png': 'where it covers the photo',
  'face.png': 'where its face does',
  'left.png': 'the head turned by 30 degrees, like front.png and right.png',
  'front.png': '',
  'right.png': '',
  'clay-left.png': 'the same without texture, like clay-front.png and clay-right.png',
  'clay-front.png': '',
  'clay-right.png': '',
  'report.json': 'figures',
} as const;

type FileName = keyof typeof INVERT_FILES;

const YAWS = { left: -30, front: 0, right: 30 };
const VIEW_SIZE = 512;
const BACKGROUND = [128, 128, 128] as const;

export interface WriteInvertFilesOptions {
  model: FaceModel;
  landmarks: Landmarker;
  /** The photos that the avatar was made from; the pictures and most figures are the first one's. */
  photos: readonly RgbaImage[];
  onProgress?: (fraction: number) => void;
}

/** Draws, measures and writes an avatar that was made from photos: every one of `INVERT_FILES`. */
export async function writeInvertFiles(
  folder: OutputFolder,
  avatar: InvertedAvatar,
  { model, landmarks, photos, onProgress }: WriteInvertFilesOptions,
): Promise<InvertReport> {
  const { inversion, camera, lighting } = avatar;
  const photo = photos[0];
  const names = Object.keys(INVERT_FILES);
  let written = 0;
  const write = async (name: FileName, content: string | Uint8Array) => {
    await folder.write(name, content);
    onProgress?.(++written / names.length);
  };

  const meshes = await avatarMeshes(model, avatar, { shaded: true });
  const mipmaps = meshes.map(({ image }) => createMipmaps(image));
  const { data, size } = model.uv.topology.faceMask;
  const { width, height } = photo;
  const render = renderAvatar(meshes, camera, lighting, {
    width,
    height,
    background: photo,
    mipmaps,
    faceMask: { data, width: size, height: size },
  });
  const face = render.face as Uint8Array;
  await write('texture.png', await encodePicture(avatar.albedo));
  await write('render.png', await encodePicture(render));
  await write('mask.png', await encodeMask(render.mask, width, height));
  await write('face.png', await encodeMask(face, width, height));

  for (const [view, yaw] of Object.entries(YAWS) as [keyof typeof YAWS, number][]) {
    for (const clay of [false, true]) {
      const picture = renderAvatar(meshes, viewCamera(yaw), lighting, {
        width: VIEW_SIZE,
        height: VIEW_SIZE,
        background: BACKGROUND,
        clay,
        mipmaps,
      });
      await write(`${clay ? 'clay-' : ''}${view}.png`, await encodePicture(picture));
    }
  }
  await write('avatar.safetensors', saveAvatar(avatar));
  await write('avatar.glb', await exportGlb(model, avatar, { encodePng: encodePicture }));

  const modelMeshes = await avatarMeshes(model, { ...avatar, albedo: inversion.modelAlbedo, partAlbedos: undefined });
  const modelRender = renderAvatar(modelMeshes, camera, lighting, {
    width,
    height,
    background: photo,
    occlusion: computeOcclusion(modelMeshes),
  });
  const places = model.uv.topology.landmarks[68];
  const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
  const points = await avatarSurface(model, avatar, places, codes);
  const agreement = {
    image: { psnrDb: computePsnrDb(photo, render, face), ssim: computeSsim(photo, render, face) },
    landmarks: { projectedNme: computeProjectedNme(inversion.landmarks, points, camera) },
  };
  const [first, ...further] = inversion.photos;
  const report = createReport(avatar, {
    image: { ...agreement.image, modelPsnrDb: computePsnrDb(photo, modelRender, face) },
    landmarks: { nme: await computeRenderNme(landmarks, inversion.landmarks, render), ...agreement.landmarks },
    points,
    photos: further.length
      ? [
          { ...agreement, ...describePhoto(first) },
          ...(await measureFurtherPhotos(model, avatar, photos.slice(1), further)),
        ]
      : undefined,
  });
  await write('report.json', `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

/** How the avatar agrees with photos after the first. */
async function measureFurtherPhotos(
  model: FaceModel,
  avatar: InvertedAvatar,
  photos: readonly RgbaImage[],
  inverted: readonly InvertedPhoto[],
): Promise<PhotoReport[]> {
  const reports: PhotoReport[] = [];
  const { data, size } = model.uv.topology.faceMask;
  for (const [i, found] of inverted.entries()) {
    const { width, height } = photos[i];
    const { expressionCode, camera, lighting, landmarks } = found;
    const meshes = await avatarMeshes(model, { ...avatar, expressionCode });
    const render = renderAvatar(meshes, camera, lighting, {
      width,
      height,
      background: photos[i],
      occlusion: computeOcclusion(meshes.slice(0, 1)),
      faceMask: { data, width: size, height: size },
    });
    const face = render.face as Uint8Array;
    const codes = { geometry: avatar.geometryCode, expression: expressionCode };
    const points = await avatarSurface(model, avatar, model.uv.topology.landmarks[68], codes);
    reports.push({
      image: { psnrDb: computePsnrDb(photos[i], render, face), ssim: computeSsim(photos[i], render, face) },
      landmarks: { projectedNme: computeProjectedNme(landmarks, points, camera) },
      ...describePhoto(found),
    });
  }
  return reports;
}
