import {
  type Avatar,
  avatarMeshes,
  avatarSurface,
  computeNormals,
  computeOcclusion,
  computePsnrDb,
  type FaceModel,
  type PartMesh,
  type Rendering,
  type RgbaImage,
  renderAvatar,
  shadedAlbedo,
  viewCamera,
} from '@implicit-faces/avatar';
import { alignSimilarity, applySimilarity, type Similarity } from '@implicit-faces/inversion';
import { projectEnvironment } from '@implicit-faces/renderer-webgl';
import { bakeAlbedo, decodeSrgb, encodeSrgb, sampleChartMap, texelCentres } from '@implicit-faces/uv-param';
import { locateOnChart } from './chart.js';
import { type FaceKit, NARROW_FACE_END } from './face-kit.js';
import { mean, median } from './statistics.js';
import { lightMeshes, type Portrait, type PortraitGenerator, RELIEF_LEVELS } from './synthetic/portrait.js';
import { bakeNormalMap } from './synthetic/relief.js';
import { TriangleSurface } from './triangle-surface.js';
import { placesAt } from './uv-metrics.js';
import { distancesBetween, dots } from './vectors.js';

/** The seven landmarks of the NoW benchmark in iBUG's order: eye corners, the nose's lower end, mouth corners. */
const NOW_LANDMARKS = [36, 39, 42, 45, 33, 48, 54];
const NOSE = { root: 27, tip: 30, bottom: 33 };
const OUTER_EYES = [36, 45];
/** Views around the head, degrees. */
export const YAWS = [-45, -30, -15, 15, 30, 45] as const;
const VIEW_SIZE = 288;
/** The map that a face is relit with is turned by this, radians, so that a map never lights two faces alike. */
const RELIGHT_TURN = 2.4;

/** How near one inverted portrait is to the truth. */
export interface SyntheticFigures {
  seed: number;
  skin: number;
  occluder: string;
  environment: string;
  /** After a similarity over all vertices of the narrow face: distances between the same places, median. */
  medianMm: number;
  meanHeadMedianMm: number;
  /** After a similarity over seven landmarks: from the true face to the avatar's skin, median. */
  nowMedianMm: number;
  normalDeg: number;
  expressionMae: number;
  /** Linear, on the face; of the finished texture and of the texture code alone. */
  albedoMae: number;
  modelAlbedoMae: number;
  /** By yaw. */
  novelPsnrDb: Record<string, number>;
  relightPsnrDb: number;
  /** The same with the light given to the avatar as second-order harmonics, and only the shadows that they know of: soft ones that the head casts on itself. */
  relightHarmonicsPsnrDb: number;
}

/**
 * Compares an avatar that was made from a portrait with the truth: shape, expression, albedo, and pictures from other sides and in another light.
 *
 * @param environment - name of the map that the face is relit with.
 */
export async function compareWithPortrait(
  model: FaceModel,
  generator: PortraitGenerator,
  portrait: Portrait,
  avatar: Avatar,
  environment: string,
): Promise<SyntheticFigures> {
  const { kit, chart } = generator;
  const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
  const narrow = 3 * NARROW_FACE_END;
  const found = await avatarSurface(model, avatar, chart, codes);
  const truth = portrait.positions;
  const alignment = alignSimilarity(found.subarray(0, narrow), truth.subarray(0, narrow));
  const placed = applySimilarity(alignment, found);
  const trueFace = truth.slice(0, narrow);
  const errors = distancesBetween(placed.slice(0, narrow), trueFace);
  const meanHead = kit.neutral.subarray(0, narrow);
  const meanErrors = distancesBetween(applySimilarity(alignSimilarity(meanHead, trueFace), meanHead), trueFace);

  const normals = computeNormals(placed, kit.openSkin).slice(0, narrow);
  const trueNormals = computeNormals(truth.subarray(0, placed.length), kit.openSkin).slice(0, narrow);
  const degrees = dots(normals, trueNormals).map((x) => (Math.acos(Math.min(1, Math.max(-1, x))) * 180) / Math.PI);

  const { data, size } = await bakeAlbedo(model.uv, avatar.textureCode, avatar.expressionCode, portrait.albedo.size);
  const modelAlbedo = { data: encodeSrgb(data), width: size, height: size };

  const onFace = sampleChartMap(model.uv.topology.faceMask, model.uv.topology.skin.uv);
  const meshes = await avatarMeshes(model, avatar);
  const shaded = { ...meshes[0], image: shadedAlbedo(avatar) };
  const psnr = createViewComparison(generator, portrait, meshes, shaded, alignment, avatar.lighting, onFace);
  const novelPsnrDb: Record<string, number> = {};
  for (const yaw of YAWS) novelPsnrDb[yaw] = psnr.novel(yaw);
  return {
    seed: portrait.seed,
    skin: portrait.skin,
    occluder: portrait.occluder,
    environment: portrait.light.name,
    medianMm: 1000 * median(errors),
    meanHeadMedianMm: 1000 * median(meanErrors),
    nowMedianMm: 1000 * median(await scanErrors(model, kit, chart, truth, avatar)),
    normalDeg: mean(degrees),
    expressionMae: mean(kit.expressionNames.map((_, k) => Math.abs(portrait.expression[k] - avatar.expressionCode[k]))),
    albedoMae: albedoError(model, portrait, avatar.albedo),
    modelAlbedoMae: albedoError(model, portrait, modelAlbedo),
    novelPsnrDb,
    ...psnr.relit(environment),
  };
}

/** NoW's scan-to-mesh distances on a disc around the nose's tip. @see Sanyal et al., "Learning to regress 3D face shape and expression from an image without 3D supervision", 2019 */
async function scanErrors(
  model: FaceModel,
  kit: FaceKit,
  chart: Float32Array,
  truth: Float32Array,
  avatar: Avatar,
): Promise<Float32Array> {
  const codes = { geometry: avatar.geometryCode, expression: avatar.expressionCode };
  const { landmarks, skin } = model.uv.topology;
  const points = placesAt(locateOnChart(landmarks[68], chart, kit.openSkin), truth);
  const found = await avatarSurface(model, avatar, landmarks[68], codes);
  const take = (from: Float32Array) => NOW_LANDMARKS.flatMap((n) => [...from.subarray(3 * n, 3 * n + 3)]);
  const alignment = alignSimilarity(take(found), take(points));
  const surface = new TriangleSurface(
    applySimilarity(alignment, await avatarSurface(model, avatar, skin.uv, codes)),
    skin.triangles,
  );
  const distance = (a: number, b: number) => Math.hypot(...[0, 1, 2].map((k) => points[3 * a + k] - points[3 * b + k]));
  const radius = (1.4 * (distance(OUTER_EYES[0], OUTER_EYES[1]) + distance(NOSE.root, NOSE.bottom))) / 2;
  const tip = points.subarray(3 * NOSE.tip, 3 * NOSE.tip + 3);
  const scan: number[] = [];
  for (const vertex of new Set(
    kit.regions.face.reduce<number[]>((all, t) => {
      all.push(kit.skin[3 * t], kit.skin[3 * t + 1], kit.skin[3 * t + 2]);
      return all;
    }, []),
  )) {
    const p = truth.subarray(3 * vertex, 3 * vertex + 3);
    if (Math.hypot(p[0] - tip[0], p[1] - tip[1], p[2] - tip[2]) <= radius) scan.push(...p);
  }
  return surface.distances(Float32Array.from(scan));
}

/** Mean absolute linear error of a texture over the face. */
export function albedoError(model: FaceModel, { albedo }: Portrait, image: RgbaImage): number {
  const places = texelCentres(albedo.size);
  const onFace = sampleChartMap(model.uv.topology.faceMask, places);
  const found = decodeSrgb(image.data);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < onFace.length; i++) {
    if (onFace[i] < 128) continue;
    const x = Math.min(image.width - 1, Math.floor(places[2 * i] * image.width));
    const y = Math.min(image.height - 1, Math.floor(places[2 * i + 1] * image.height));
    for (let c = 0; c < 3; c++) sum += Math.abs(found[3 * (y * image.width + x) + c] - albedo.data[3 * i + c]);
    count += 3;
  }
  return sum / count;
}

/** The true pictures are the same for every avatar of a portrait. */
const knownTruths = new WeakMap<Portrait, Map<string, Rendering>>();

/** Pictures of the avatar beside true ones, compared where the true face is seen. The avatar is brought to the true head's place and size first. */
function createViewComparison(
  generator: PortraitGenerator,
  portrait: Portrait,
  meshes: readonly PartMesh[],
  shaded: PartMesh,
  alignment: Similarity,
  lighting: Float32Array,
  onFace: ArrayLike<number>,
) {
  const place = (mesh: PartMesh) => ({ ...mesh, positions: applySimilarity(alignment, mesh.positions) });
  const placed = meshes.map(place);
  const asInPhoto = [place(shaded), ...placed.slice(1)];
  const turned = placed.map((mesh) => ({ ...mesh, normals: rotate(alignment, mesh.normals) }));
  const options = { width: VIEW_SIZE, height: VIEW_SIZE, background: [128, 128, 128] as const };
  const truths = knownTruths.get(portrait) ?? new Map<string, Rendering>();
  knownTruths.set(portrait, truths);
  const trueView = (name: string, draw: () => Rendering) => {
    const rendering = truths.get(name) ?? draw();
    truths.set(name, rendering);
    return rendering;
  };
  return {
    /** In the light that was found, which is in the avatar's own axes, as its normals are. */
    novel(yaw: number): number {
      const camera = viewCamera(yaw, { size: VIEW_SIZE });
      const truth = trueView(String(yaw), () => generator.render(portrait, { camera, size: VIEW_SIZE }));
      return computePsnrDb(renderAvatar(asInPhoto, camera, lighting, options), truth, truth.face!);
    },
    relit(environment: string): Pick<SyntheticFigures, 'relightPsnrDb' | 'relightHarmonicsPsnrDb'> {
      const light = generator.relight(portrait, environment, RELIGHT_TURN + portrait.seed);
      const camera = viewCamera(0, { size: VIEW_SIZE });
      const truth = trueView(environment, () => generator.render(portrait, { camera, size: VIEW_SIZE, light }));
      const harmonics = projectEnvironment(light.map, light.rotationRad).map((x, i) => x * light.gain[i % 3]);
      const dense = turned.map((mesh) => bakeNormalMap(mesh, (vertex) => onFace[vertex] > 127, RELIEF_LEVELS));
      const vertexLight = lightMeshes(dense, camera, light);
      return {
        relightPsnrDb: computePsnrDb(
          renderAvatar(dense, camera, harmonics, { ...options, vertexLight }),
          truth,
          truth.face!,
        ),
        relightHarmonicsPsnrDb: computePsnrDb(
          renderAvatar(turned, camera, harmonics, { ...options, occlusion: computeOcclusion(turned) }),
          truth,
          truth.face!,
        ),
      };
    },
  };
}

function rotate({ rotation: r }: Pick<Similarity, 'rotation'>, vectors: Float32Array): Float32Array {
  const out = new Float32Array(vectors.length);
  for (let i = 0; i < vectors.length; i += 3) {
    const [x, y, z] = [vectors[i], vectors[i + 1], vectors[i + 2]];
    for (let k = 0; k < 3; k++) out[i + k] = r[3 * k] * x + r[3 * k + 1] * y + r[3 * k + 2] * z;
  }
  return out;
}

/** All faces together: means of the faces' figures; albedo by thirds of tone, of which the worst counts. */
export function summariseSynthetic(faces: readonly SyntheticFigures[]) {
  const average = (of: (face: SyntheticFigures) => number) => mean(faces.map(of));
  const skins = Math.max(...faces.map(({ skin }) => skin)) + 1;
  const byTone = [0, 1, 2].map((third) => {
    const some = faces.filter(({ skin }) => Math.floor((3 * skin) / Math.max(skins, 3)) === third);
    return some.length ? mean(some.map(({ albedoMae }) => albedoMae)) : null;
  });
  const view = (yaw: number) => average(({ novelPsnrDb }) => (novelPsnrDb[yaw] + novelPsnrDb[-yaw]) / 2);
  return {
    medianMm: average(({ medianMm }) => medianMm),
    nowMedianMm: average(({ nowMedianMm }) => nowMedianMm),
    normalDeg: average(({ normalDeg }) => normalDeg),
    expressionMae: average(({ expressionMae }) => expressionMae),
    albedoMae: Math.max(...byTone.filter((value) => value !== null)),
    albedoMaeByTone: byTone,
    modelAlbedoMae: average(({ modelAlbedoMae }) => modelAlbedoMae),
    novelPsnrDb15: view(15),
    novelPsnrDb30: view(30),
    novelPsnrDb45: view(45),
    relightPsnrDb: average(({ relightPsnrDb }) => relightPsnrDb),
    relightHarmonicsPsnrDb: average(({ relightHarmonicsPsnrDb }) => relightHarmonicsPsnrDb),
    meanHeadMedianMm: average(({ meanHeadMedianMm }) => meanHeadMedianMm),
  };
}
