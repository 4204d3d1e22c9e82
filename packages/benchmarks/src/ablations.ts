import {
  type Avatar,
  avatarMeshes,
  avatarSurface,
  computeOcclusion,
  computePsnrDb,
  computeSsim,
  createMipmaps,
  type FaceModel,
  type Rendering,
  type RgbaImage,
  renderAvatar,
  viewCamera,
} from '@implicit-faces/avatar';
import {
  computeProjectedNme,
  computeRenderNme,
  type InvertedAvatar,
  type InvertImageOptions,
  invertImage,
  type Photo,
  POSE_STEPS,
} from '@implicit-faces/inversion';
import type { Landmarker } from '@implicit-faces/landmarks';
import { createRandom } from '@implicit-faces/test-utils';
import { encodeSrgb, enlargeTexture, texelCentres } from '@implicit-faces/uv-param';
import { type ColourField, fitColourField, seenColours } from './colour-field.js';
import { NARROW_FACE_END } from './face-kit.js';
import { createLinearFaceModel } from './linear-face-model.js';
import { mean } from './statistics.js';
import type { Portrait, PortraitGenerator } from './synthetic/portrait.js';
import { albedoError, compareWithPortrait, type SyntheticFigures } from './synthetic-evaluation.js';
import { TriangleSurface } from './triangle-surface.js';
import { distancesBetween, rows } from './vectors.js';

/** An inversion with something left out or in another's place. */
export interface Ablation {
  name: string;
  /** What is different, in a table's words. */
  label: string;
  options?: Pick<InvertImageOptions, 'settings' | 'encoder' | 'losses' | 'lightOrder'>;
  /** Whether the skin is a linear mesh model's instead of the networks'. */
  isLinearMesh?: boolean;
  /** Whether the albedo is a function of the place in space instead of a texture. */
  isColourField?: boolean;
}

export const ABLATIONS = [
  { name: 'full', label: 'everything' },
  {
    name: 'encoderOnly',
    label: "the encoder's codes as they are; only camera, light and texture are fitted",
    options: { settings: { landmarkSteps: POSE_STEPS, photoSteps: [] } },
  },
  { name: 'noEncoder', label: 'from the mean face, without the encoder', options: { encoder: false } },
  {
    name: 'pivotalTuning',
    label: "with pivotal tuning of g^-1's last layer, which no preset does",
    options: { settings: { finetuneSteps: 6 } },
  },
  {
    name: 'flatLight',
    label: 'light from everywhere alike, so that shading stays in the albedo',
    options: { lightOrder: 0 },
  },
  { name: 'noLandmarks', label: 'no landmark loss', options: { losses: { landmarks: 0 } } },
  { name: 'noSilhouette', label: 'no silhouette loss', options: { losses: { silhouette: 0 } } },
  { name: 'noPhoto', label: 'no image loss on shape and camera', options: { losses: { photo: 0 } } },
  { name: 'linearMesh', label: "a linear 3DMM's mesh (FaceKit's basis) instead of f and D", isLinearMesh: true },
  { name: 'colourField', label: 'an implicit colour(x) instead of a texture in UV', isColourField: true },
] as const satisfies readonly Ablation[];

export type AblationName = (typeof ABLATIONS)[number]['name'];

/** How like its photo an ablation's avatar is. */
export interface AblationPhotoFigures {
  photo: string;
  psnrDb: number;
  modelPsnrDb: number;
  ssim: number;
  /** Null where no face is found on the render. */
  nme: number | null;
  projectedNme: number;
  /** Of `invertImage`, networks loaded. */
  seconds: number;
}

export interface AblationRow {
  name: AblationName;
  label: string;
  synthetic: SyntheticFigures[];
  photos: AblationPhotoFigures[];
}

/** What becomes of colours when the face that they are on changes, for a texture in UV or a colour of space. Means over the faces. */
export interface ColourFigures {
  /** Mean absolute error of linear albedo as fitted; with another expression; on another face. */
  albedoMae: number;
  expressionAlbedoMae: number;
  faceAlbedoMae: number;
  /** How far from where it was painted paint is found on the skin in another expression, and on another face, millimetres. */
  expressionSlipMm: number;
  faceSlipMm: number;
}

export interface AblationResults {
  rows: AblationRow[];
  /** Per face, where both kinds of colour were asked for. */
  colours: { uv: ColourFigures; field: ColourFigures }[];
}

export interface AblationTools {
  model: FaceModel;
  landmarks: Landmarker;
  ort: InvertImageOptions['ort'];
  preset: InvertImageOptions['preset'];
  seed: number;
  generator: PortraitGenerator;
}

/** The expression that colours have to bear, and the seed of the face. */
const OTHER_EXPRESSION: Record<string, number> = {
  jawOpen: 0.5,
  mouthSmile_L: 0.7,
  mouthSmile_R: 0.7,
  browInnerUp: 0.6,
};
const OTHER_FACE = 5;
/** Side at which a field is turned into a texture, and the side that places are asked of the networks at: they are smooth. */
const BAKE_SIZE = 1024;
const PLACES_SIZE = 512;
/** Side at which colours on other faces are compared. */
const COMPARED_SIZE = 512;

/** Makes the avatars of a photo that ablations ask for; those that differ only in how they colour it share an inversion. */
export function createAblationRunner(tools: AblationTools) {
  const { model, generator, ort, landmarks, preset, seed } = tools;
  const linear = createLinearFaceModel(model, generator.kit, generator.chart);
  const modelOf = ({ isLinearMesh }: Ablation) => (isLinearMesh ? linear : model);
  const known = new WeakMap<Photo, Promise<InvertedAvatar>>();
  return {
    modelOf,
    async invert(photo: Photo, ablation: Ablation): Promise<InvertedAvatar> {
      const run = () =>
        invertImage(photo, { ort, landmarks, preset, seed, model: modelOf(ablation), ...ablation.options });
      if (ablation.options || ablation.isLinearMesh) return run();
      const full = known.get(photo) ?? run();
      known.set(photo, full);
      if (!ablation.isColourField) return full;
      const avatar = await full;
      const began = performance.now();
      const field = await fitField(model, photo, avatar);
      const { seconds } = avatar.inversion;
      const albedo = await bakeField(model, field, avatar, avatar.expressionCode, BAKE_SIZE);
      const total = seconds.total - seconds.texture + (performance.now() - began) / 1000;
      return {
        ...avatar,
        albedo,
        // The field was fitted to the photo over the harmonics alone: what shade there is, it has.
        shade: undefined,
        inversion: { ...avatar.inversion, modelAlbedo: albedo, seconds: { ...seconds, total } },
      };
    },
  };
}

async function fitField(model: FaceModel, photo: RgbaImage, avatar: InvertedAvatar): Promise<ColourField> {
  const meshes = await avatarMeshes(model, avatar);
  return fitColourField(seenColours(photo, avatar.inversion.foreground, meshes, avatar));
}

/** The field as a texture of a face: the colour of where each texel is. */
async function bakeField(
  model: FaceModel,
  field: ColourField,
  { geometryCode: geometry }: Pick<Avatar, 'geometryCode'>,
  expression: Float32Array,
  size: number,
): Promise<RgbaImage> {
  const places = await model.uv.surfaceFromUv(texelCentres(PLACES_SIZE), { geometry, expression });
  const { data } = enlargeTexture({ data: places, size: PLACES_SIZE }, size);
  return { data: encodeSrgb(field.sample(data)), width: size, height: size };
}

/** The pictures of an avatar that a table shows. */
export interface AblationPictures {
  render: Rendering;
  front: Rendering;
  right: Rendering;
}

/** Draws an avatar over its photo and measures it as the command line does. */
export async function measureAblation(
  model: FaceModel,
  avatar: InvertedAvatar,
  photo: Photo,
  name: string,
  landmarks: Landmarker,
): Promise<{ figures: AblationPhotoFigures; pictures: AblationPictures }> {
  const { camera, lighting, inversion } = avatar;
  const { width, height } = photo;
  const { data, size } = model.uv.topology.faceMask;
  const meshes = await avatarMeshes(model, avatar, { shaded: true });
  const mipmaps = meshes.map(({ image }) => createMipmaps(image));
  const faceMask = { data, width: size, height: size };
  const over = { width, height, background: photo };
  const render = renderAvatar(meshes, camera, lighting, { ...over, mipmaps, faceMask });
  const face = render.face!;
  const plain = await avatarMeshes(model, { ...avatar, albedo: inversion.modelAlbedo, partAlbedos: undefined });
  const modelRender = renderAvatar(plain, camera, lighting, { ...over, occlusion: computeOcclusion(plain) });
  const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
  const points = await avatarSurface(model, avatar, model.uv.topology.landmarks[68], codes);
  const view = (yaw: number) =>
    renderAvatar(meshes, viewCamera(yaw), lighting, {
      width: 512,
      height: 512,
      background: [128, 128, 128],
      mipmaps,
    });
  return {
    pictures: { render, front: view(0), right: view(30) },
    figures: {
      photo: name,
      psnrDb: computePsnrDb(photo, render, face),
      modelPsnrDb: computePsnrDb(photo, modelRender, face),
      ssim: computeSsim(photo, render, face),
      nme: await computeRenderNme(landmarks, inversion.landmarks, render),
      projectedNme: computeProjectedNme(inversion.landmarks, points, camera),
      seconds: inversion.seconds.total,
    },
  };
}

/** Compares an avatar with the truth, see `compareWithPortrait`. */
export function measureOnPortrait(
  model: FaceModel,
  generator: PortraitGenerator,
  portrait: Portrait,
  avatar: Avatar,
): Promise<SyntheticFigures> {
  const { environments } = generator;
  const other = environments[(environments.indexOf(portrait.light.name) + 1) % environments.length];
  return compareWithPortrait(model, generator, portrait, avatar, other);
}

/**
 * What a texture and a field make of the same photo when the face changes: the colours where the truth has them, and where on the skin paint is found again. A texture's paint goes by g and its inverse, a field's stays where it is
 * in space.
 */
export async function compareColours(
  { model, generator }: Pick<AblationTools, 'model' | 'generator'>,
  portrait: Portrait,
  avatar: InvertedAvatar,
): Promise<{ uv: ColourFigures; field: ColourFigures }> {
  const field = await fitField(model, portrait.image, avatar);
  const { geometryCode: geometry, expressionCode: expression } = avatar;
  const random = createRandom(OTHER_FACE);
  const smile = Float32Array.from(model.manifest.expressionNames, (name) => OTHER_EXPRESSION[name] ?? 0);
  const fitted = { geometry, expression };
  const moved = { geometry, expression: smile };
  const other = { geometry: geometry.map(() => random.normal()), expression };
  const errors: number[] = [];
  for (const codes of [fitted, moved, other]) {
    const image = await bakeField(model, field, { geometryCode: codes.geometry }, codes.expression, COMPARED_SIZE);
    errors.push(albedoError(model, portrait, image));
  }
  const { chart, kit } = generator;
  const narrow = chart.slice(0, 2 * NARROW_FACE_END);
  const at = await model.uv.surfaceFromUv(narrow, fitted);
  const surface = new TriangleSurface(await model.uv.surfaceFromUv(chart, fitted), kit.openSkin);
  const slips = { uv: [] as number[], field: [] as number[] };
  for (const codes of [moved, other]) {
    const places = await model.uv.surfaceFromUv(narrow, codes);
    slips.field.push(1000 * mean(distancesBetween(surface.nearest(places), at)));
    const { uv, chart: charts } = await model.uv.uvFromSurface(places, codes);
    const onSkin = Array.from(charts.keys()).filter((n) => charts[n] === 0);
    const back = await model.uv.surfaceFromUv(rows(uv, onSkin, 2), fitted);
    slips.uv.push(1000 * mean(distancesBetween(back, rows(at, onSkin))));
  }
  // A texture is the same whatever face it is on.
  const uvError = albedoError(model, portrait, avatar.albedo);
  const figures = (
    [albedoMae, expressionAlbedoMae, faceAlbedoMae]: number[],
    [expressionSlipMm, faceSlipMm]: number[],
  ) => ({
    ...{ albedoMae, expressionAlbedoMae, faceAlbedoMae },
    ...{ expressionSlipMm, faceSlipMm },
  });
  return { uv: figures([uvError, uvError, uvError], slips.uv), field: figures(errors, slips.field) };
}
