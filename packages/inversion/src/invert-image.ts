import { type Avatar, avatarMeshes, type FaceModel, type RgbaImage } from '@implicit-faces/avatar';
import type { FaceLandmarks } from '@implicit-faces/landmarks';
import {
  bakeAlbedo,
  type ChartMap,
  decodeSrgb,
  encodeSrgb,
  enlargeTexture,
  REGIONS,
  resampleChartMap,
  softened,
  texelCentres,
} from '@implicit-faces/uv-param';
import { FaceError, isFaceError } from './errors.js';
import { atStage, checkFinite } from './finite.js';
import { landmarkTarget, outerEyeDistance } from './losses/landmark-evidence.js';
import { INVERT_IMAGE_DEFAULTS, resolveOptions } from './options.js';
import { type Crop, checkImage, cropMask, cropPhoto } from './photo.js';
import { cameraFromPose } from './pose.js';
import { SHADE_SIZE } from './stages/broad-grey.js';
import { type CodeStart, encodeFace } from './stages/encode.js';
import { finetune } from './stages/finetune.js';
import { chooseSamples, optimise } from './stages/optimise.js';
import { findRelief } from './stages/relief.js';
import { startPose, turnDegrees } from './stages/start.js';
import { finishTexture, pickTexels, type SeenScene, seenTint, seeScene, shadeOfScene } from './stages/texture.js';
import { loadModelSamples, posePoints } from './surface-samples.js';
import type { InvertedAvatar, InvertedPhoto, InvertImageOptions, Photo, Stage } from './types.js';

/** Each photo costs time and memory, and beyond a few there is little left to see. */
export const MOST_PHOTOS = 5;

/** Side of the crop that codes are optimised on, and the largest that the texture is taken from, pixels. */
const WORKING_SIZE = 320;
const TEXTURE_CROP_SIZE = 1536;
/** The crop's side over the outer-eye distance: it holds the head, the ears and some neck. */
const CROP_MARGIN = 3.4;
/**
 * Heads that are turned further are refused, degrees. Landmarks of rendered heads stop following at about 60: at 45 degrees they are wrong by 0.04 of the outer-eye distance, at 58 by 0.06, at 70 by 0.11, at 82,
 * where they still say 60 or less, by 0.2, all with a score of 1.
 */
const MOST_TURN_DEGREES = 59;
/** What is left of the texture code on the scalp, and the width of the change, in the region map's texels. */
const CALM = 0.4;
const CALM_EDGE = 6;
/**
 * Turns one photo into an avatar: detects the face, fits codes, camera and light, and takes the texture from the photo.
 *
 * @param image - 8-bit sRGB RGBA of any size, upright, with the focal length if it is known; see `@implicit-faces/landmarks/node` for decoding files.
 * @returns the avatar, in metres and the world axes of docs/conventions.md; its camera is in the photo's pixels.
 * @throws FaceError `IMAGE` for arrays that are no picture and focal lengths that are none, `OPTION` for an unknown preset, a seed that is no integer, and settings, weights or an order of light that are none, `NO_FACE` and `FACE_INDEX` from detection, `TURNED_AWAY` for a face in profile, `NOT_FINITE` with
 * the stage's name when numbers run away or a network gives none. Throws the signal's reason when aborted, up to the last call of `onProgress`; nothing goes on running.
 * @example const avatar = await invertImage(photo, { ort, model, landmarks });
 * @see Lin et al. 2023, section 4. Instead of de-lighting first, second-order light is solved for together with the codes; the steps are Gauss-Newton's.
 */
export async function invertImage(image: Photo, options: InvertImageOptions): Promise<InvertedAvatar> {
  return invert('invertImage', [image], options);
}

/**
 * Turns photos of one person into one avatar: geometry and texture codes are shared, expression, camera and light are each photo's own, and the texture comes from where each place is seen
 * best. That the photos show one person is taken for granted.
 *
 * @param images - one to five, as for `invertImage`, of different sizes if they are. The first one's expression, camera and light are the avatar's.
 * @returns the avatar; `inversion.photos` says what was found in each photo.
 * @throws FaceError as `invertImage`, with the photo's number in the message, and `PHOTO_COUNT` for none or too many.
 * @example const avatar = await invertImages([front, left, right], { ort, model, landmarks });
 */
export async function invertImages(images: readonly Photo[], options: InvertImageOptions): Promise<InvertedAvatar> {
  return invert('invertImages', images, options);
}

async function invert(who: string, images: readonly Photo[], options: InvertImageOptions): Promise<InvertedAvatar> {
  checkPhotos(who, images);
  const { model, landmarks: landmarker, signal, onProgress } = options;
  const { preset, seed, settings, encoder, losses, lightOrder } = resolveOptions(who, options);
  const seconds: Record<Stage | 'total', number> = {
    detect: 0,
    encode: 0,
    optimise: 0,
    finetune: 0,
    texture: 0,
    total: 0,
  };
  const began = performance.now();
  let stage: Stage = 'detect';
  let stageBegan = began;
  const enter = (next: Stage) => {
    const now = performance.now();
    seconds[stage] += (now - stageBegan) / 1000;
    onProgress?.({ stage, fraction: 1 });
    signal?.throwIfAborted();
    stage = next;
    stageBegan = now;
  };
  const report = async (fraction: number) => {
    signal?.throwIfAborted();
    onProgress?.({ stage, fraction });
    // Lets timers, signals and the page breathe between two steps of arithmetic.
    await new Promise((resolve) => setTimeout(resolve, 0));
  };

  const faces: DetectedFace[] = [];
  for (const [i, image] of images.entries()) {
    await report(i / images.length);
    const index = options.faceIndex ?? INVERT_IMAGE_DEFAULTS.faceIndex;
    const wrong = (error: unknown) => {
      throw inPhoto(atStage(stage, error), i, images.length);
    };
    const found = await landmarker.detect(image, { index, signal }).catch(wrong);
    checkFinite(stage, 'the landmarks', found.points);
    await report((i + 0.5) / images.length);
    const person = await landmarker.mask(image, { box: found.box, signal }).catch(wrong);
    faces.push({
      image,
      found,
      person: person.data,
      faceScale: outerEyeDistance(found.points),
      centre: cropCentre(found),
    });
  }
  enter('encode');
  const encoded: (CodeStart | undefined)[] = [];
  for (const [i, { image, found }] of faces.entries()) {
    await report(i / faces.length);
    encoded.push(encoder ? await encodeFace(model, image, found.points, { signal }) : undefined);
  }
  enter('optimise');
  await report(0);

  const { topology } = model.uv;
  const landmarks = await loadModelSamples(model, topology.landmarks[468]);
  // Only steps on pixels ask how each vertex moves with each code.
  const isMovedByPixels = settings.photoSteps.some((count) => count > 0) || settings.finetuneSteps > 0;
  const vertices = isMovedByPixels ? await loadModelSamples(model, topology.skin.uv) : undefined;
  const mean = posePoints(landmarks, new Float64Array(landmarks.codeSize));
  const starts = faces.map(({ image, found }, i) => {
    const start = startPose(mean, found.points, [image.width / 2, image.height / 2], image.focalLengthPx);
    const turn = turnDegrees(start);
    if (turn <= MOST_TURN_DEGREES) return start;
    const error = new FaceError(
      'TURNED_AWAY',
      `invertImage: the face is turned from the camera by ${Math.round(turn)} degrees or more; landmarks can be trusted up to ${MOST_TURN_DEGREES}. Use a photo that shows both eyes.`,
    );
    throw inPhoto(error, i, faces.length);
  });
  await report(0.05);
  const chosen = await chooseSamples(model, settings.samples, seed, signal, (fraction) =>
    onProgress?.({ stage, fraction: 0.05 + 0.15 * fraction }),
  );
  const subject = { model, vertices, chosen, landmarks };
  const evidence = faces.map(({ image, found, person, faceScale, centre }, i) => {
    const crop = cropPhoto(image, centre, CROP_MARGIN * faceScale, WORKING_SIZE);
    return {
      target: landmarkTarget(found.points, faceScale),
      crop,
      mask: cropMask(person, image, crop),
      faceScale,
      encoded: encoded[i],
      start: starts[i],
      knowsFocal: image.focalLengthPx !== undefined,
    };
  });
  const { fits, steps } = await optimise(subject, evidence, { ...settings, losses, lightOrder }, seed, (fraction) =>
    report(0.2 + 0.8 * fraction),
  );
  let tuning: Float32Array | undefined;
  if (settings.finetuneSteps > 0) {
    enter('finetune');
    tuning = await finetune(subject, evidence, fits, settings.finetuneSteps, report);
  }
  enter('texture');
  await report(0);

  const { geometry } = model.manifest.codes;
  const photos = fits.map(
    ({ codes, pose, appearance, shownLight }, i): InvertedPhoto => ({
      expressionCode: Float32Array.from(codes.subarray(geometry)),
      camera: cameraFromPose(pose),
      lighting: Float32Array.from(shownLight ?? appearance.lighting),
      start: encoded[i] ? 'encoder' : 'landmarks',
      expectedErrorMm: encoded[i]?.expectedErrorMm,
      landmarks: faces[i].found.points,
      box: faces[i].found.box,
      foreground: faces[i].person,
    }),
  );
  const { expressionCode, camera, lighting } = photos[0];
  const avatar: Avatar = {
    modelId: model.manifest.id,
    geometryCode: Float32Array.from(fits[0].codes.subarray(0, geometry)),
    expressionCode,
    textureCode: Float32Array.from(fits[0].appearance.texture),
    ...(tuning && { tuning }),
    albedo: { data: new Uint8ClampedArray(4), width: 1, height: 1 },
    camera,
    lighting,
  };
  const { textureSize, albedoSize: size } = settings;
  const baked = await bakeAlbedo(model.uv, avatar.textureCode, avatar.expressionCode, size, { signal });
  checkFinite(stage, "the model's albedo", baked.data);
  const modelAlbedo: RgbaImage = { data: encodeSrgb(baked.data), width: size, height: size };
  await report(0.4);
  // On the scalp the code was not seen at work, and hair on the forehead misleads it: a calmer one stands in there, in the colour that the photo shows of it.
  const { regions } = topology;
  const { onScalp, notScalp } = scalpMaps(regions);
  const places = texelCentres(size);
  const fitted = resampleChartMap(softened(notScalp, CALM_EDGE), size);
  const scalp: number[] = [];
  for (let i = 0; i < fitted.length; i++) if (fitted[i] < 255) scalp.push(i);
  const calmCode = avatar.textureCode.map((c) => CALM * c);
  const scalpPlaces = new Float32Array(2 * scalp.length);
  for (const [k, i] of scalp.entries()) scalpPlaces.set(places.subarray(2 * i, 2 * i + 2), 2 * k);
  const calm = await model.uv.albedo(scalpPlaces, calmCode, avatar.expressionCode, undefined, { signal });
  checkFinite(stage, "the scalp's albedo", calm);
  const base = baked.data.slice();
  scalp.forEach((i, k) => {
    for (let c = 0; c < 3; c++) base[3 * i + c] += (1 - fitted[i] / 255) * (calm[3 * k + c] - base[3 * i + c]);
  });
  const scenes: SeenScene[] = [];
  for (const [i, { image, person, faceScale, centre }] of faces.entries()) {
    const posed = { ...avatar, expressionCode: photos[i].expressionCode, albedo: modelAlbedo };
    const meshes = await avatarMeshes(model, posed, { signal, skinPositions: fits[i].skin });
    for (const { name, positions } of meshes) checkFinite(stage, `the mesh of ${name}`, positions);
    const crop = textureCrop(image, centre, CROP_MARGIN * faceScale);
    const { pose, appearance, occlusion } = fits[i];
    const { lighting } = appearance;
    scenes.push(seeScene({ meshes, pose, lighting, occlusion, crop, mask: cropMask(person, image, crop) }));
    await report(0.4 + (0.2 * (i + 1)) / faces.length);
  }
  const tint = seenTint({ scenes, part: 0, albedo: base, size }, onScalp);
  for (const i of scalp) {
    for (let c = 0; c < 3; c++) {
      const tinted = Math.min(1, base[3 * i + c] * Math.exp(tint[c]));
      base[3 * i + c] += (1 - fitted[i] / 255) * (tinted - base[3 * i + c]);
    }
  }
  const { normalMap, reliefEvidence } = settings.relief ? takeRelief(model, scenes, base, size, textureSize / 2) : {};
  if (normalMap) avatar.normalMap = normalMap;
  const { image, unexplained } = finishTexture({
    scenes,
    part: 0,
    albedo: enlargeTexture({ data: base, size }, textureSize).data,
    size: textureSize,
    trusted: topology.faceMask,
    regions,
    symmetric: true,
    shaded: topology.faceMask,
  });
  avatar.albedo = image;
  avatar.shade = {
    data: shadeOfScene({ ...scenes[0], lighting: Float64Array.from(lighting) }, unexplained),
    size: SHADE_SIZE,
  };
  await report(0.8);
  avatar.partAlbedos = {};
  for (const [k, { name, image: own }] of scenes[0].meshes.entries()) {
    if (k > 0)
      avatar.partAlbedos[name] = finishTexture({
        scenes,
        part: k,
        albedo: decodeSrgb(own.data),
        size: own.width,
      }).image;
  }
  enter('texture');
  seconds.total = (stageBegan - began) / 1000;
  const { start, expectedErrorMm, landmarks: points, box, foreground } = photos[0];
  return {
    ...avatar,
    inversion: {
      ...{ start, expectedErrorMm, landmarks: points, box, foreground },
      preset,
      seed,
      seconds,
      steps,
      reliefEvidence,
      photos,
      modelAlbedo,
    },
  };
}

/** Where the region map says scalp, 255, and the rest of the chart. In a plain loop: `map` with a function takes ten times as long. */
function scalpMaps({ data, size }: ChartMap): { onScalp: ChartMap; notScalp: ChartMap } {
  const onScalp = { data: new Uint8Array(data.length), size };
  const notScalp = { data: new Uint8Array(data.length).fill(255), size };
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== REGIONS.scalp) continue;
    onScalp.data[i] = 255;
    notScalp.data[i] = 0;
  }
  return { onScalp, notScalp };
}

/** The evidence from which on shading is believed to show relief. */
const RELIEF_EVIDENCE = 1.25;
/** How far relief stays away from what is no plain skin, in the region map's texels. */
const RELIEF_EDGE = 5;

/** Looks for relief on the face, but for brows, lips and lids, and gives it to the scenes' skins, so that their photos are divided by light that knows of it. */
function takeRelief(
  { uv }: FaceModel,
  scenes: SeenScene[],
  albedo: Float32Array,
  albedoSize: number,
  size: number,
): { normalMap?: RgbaImage; reliefEvidence?: number } {
  const { regions } = uv.topology;
  const plain = { data: regions.data.map((region) => (region === REGIONS.face ? 255 : 0)), size: regions.size };
  const skin = softened(plain, RELIEF_EDGE);
  const coarse = albedoSize === size ? albedo : pickTexels(albedo, albedoSize, size);
  const relief = findRelief({ scenes, part: 0, albedo: coarse, size, skin });
  if (!relief || relief.evidence < RELIEF_EVIDENCE) return { reliefEvidence: relief?.evidence };
  const { normalMap, evidence: reliefEvidence } = relief;
  for (const [i, scene] of scenes.entries()) {
    const meshes = scene.meshes.map((mesh, part) => (part === 0 ? { ...mesh, normalMap } : mesh));
    scenes[i] = { ...scene, meshes };
  }
  return { normalMap, reliefEvidence };
}

/** A photo with the face that was found in it. */
interface DetectedFace {
  image: Photo;
  found: FaceLandmarks;
  /** `[H, W]` the person, 0 to 255. */
  person: Uint8Array;
  /** Outer-eye distance and the middle of the landmarks' bounds, pixels. */
  faceScale: number;
  centre: [number, number];
}

/** An error with the number of the photo that it is about, if there are several. */
function inPhoto(error: unknown, i: number, count: number): unknown {
  if (count === 1 || !isFaceError(error)) return error;
  return new FaceError(error.code, `invertImages: photo ${i + 1} of ${count}: ${error.message}`, { cause: error });
}

function checkPhotos(who: string, images: readonly Photo[]): void {
  if (!(images.length >= 1 && images.length <= MOST_PHOTOS)) {
    throw new FaceError(
      'PHOTO_COUNT',
      `${who}: images should be 1 to ${MOST_PHOTOS} photos; received ${images.length}. Choose sharp ones from different sides.`,
    );
  }
  for (const [i, image] of images.entries()) {
    const where = images.length > 1 ? `${who}: photo ${i + 1} of ${images.length}` : who;
    checkImage(where, image);
    const { focalLengthPx: focal } = image;
    if (focal !== undefined && !(focal > 0 && Number.isFinite(focal))) {
      throw new FaceError(
        'IMAGE',
        `${where}: focalLengthPx should be a positive number of pixels; received ${focal}. Leave it out if it is not known.`,
      );
    }
  }
}

/** The middle of the landmarks' bounds. */
function cropCentre({ points }: FaceLandmarks): [number, number] {
  const bounds = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (let i = 0; i < points.length; i += 3) {
    bounds[0] = Math.min(bounds[0], points[i]);
    bounds[1] = Math.min(bounds[1], points[i + 1]);
    bounds[2] = Math.max(bounds[2], points[i]);
    bounds[3] = Math.max(bounds[3], points[i + 1]);
  }
  return [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2];
}

/** The same view as the working crop in the photo's own pixels, which keeps it sharp; shrunk where it would be larger than the texture can hold. */
function textureCrop(image: RgbaImage, centre: readonly [number, number], side: number): Crop {
  const whole = Math.ceil(side);
  const corner = (c: number) => Math.round(c - whole / 2) + whole / 2;
  return cropPhoto(image, [corner(centre[0]), corner(centre[1])], whole, Math.min(TEXTURE_CROP_SIZE, whole));
}
