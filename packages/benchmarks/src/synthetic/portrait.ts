import {
  type Camera,
  createMipmaps,
  type Lighting,
  type Mipmaps,
  type PartMesh,
  type Rendering,
  type RgbaImage,
  renderAvatar,
  sampleCodes,
  type VertexLight,
} from '@implicit-faces/avatar';
import { type EnvironmentMap, projectEnvironment } from '@implicit-faces/renderer-webgl';
import type { Manifest } from '@implicit-faces/runtime';
import { createRandom, type Random } from '@implicit-faces/test-utils';
import { type ChartMap, encodeSrgb, sampleChartMap, srgbByteFromLinear, type Topology } from '@implicit-faces/uv-param';
import { loadSkinLookup } from '../albedo-metrics.js';
import { loadChart } from '../chart.js';
import { type FaceKit, loadFaceKit, SKIN_END } from '../face-kit.js';
import { median } from '../statistics.js';
import { environmentLights, type FarLight, HELD_OUT_MAPS, loadEnvironment, shrinkEnvironment } from './environment.js';
import { bustMesh, cutOut, eyeMesh, glassesMeshes, hairMesh, microphoneMeshes, partMesh } from './head-meshes.js';
import { castShadows, type Shadows, transportLight } from './light-transport.js';
import {
  eyeImage,
  GUMS,
  loadSkinAlbedos,
  paintFace,
  plainImage,
  type Rgb,
  roughImage,
  type SkinAlbedo,
  TEETH,
} from './materials.js';
import { displace, subdivide, wrinkleHeights } from './relief.js';

export interface LoadPortraitGeneratorOptions {
  /** The folder that holds `facekit`, `skins` and `hdri`. */
  data: string;
  /** Code sizes and names of shapes, and our chart, of any version of the model: its networks are not used. */
  manifest: Manifest;
  topology: Topology;
  /** Parts of file names of skins; those that the colour basis has not seen when absent. */
  skins?: readonly string[];
  /** Names of environment maps; `HELD_OUT_MAPS` when absent. */
  environments?: readonly string[];
}

export interface PortraitOptions {
  /** Pixels along each side. */
  size?: number;
  /** Something in front of the face; drawn for some when absent. */
  occluder?: Occluder;
  /** Largest turns of the head, degrees. */
  yaw?: number;
  /** Gives the skin wrinkles and grain, as geometry. */
  relief?: boolean;
}

const PORTRAIT_DEFAULTS = { size: 640, yaw: 45, relief: false };
/** Times that triangles of the face are cut into four for its relief: what is left is about half a millimetre. */
export const RELIEF_LEVELS = 2;

export type Occluder = 'none' | 'glasses' | 'microphone';

/** A light that a portrait can be seen in. */
export interface PortraitLight {
  name: string;
  map: EnvironmentMap;
  rotationRad: number;
  /** What the map's radiance is multiplied by, per channel: exposure and white balance. */
  gain: Rgb;
}

/** A portrait of somebody who does not exist, with everything that is true about it. */
export interface Portrait {
  seed: number;
  image: RgbaImage;
  camera: Camera;
  /** `[100]` and `[De]` of the generator, that are our model's codes too. */
  geometry: Float32Array;
  expression: Float32Array;
  /** `[V, 3]` the generator's vertices, metres. */
  positions: Float32Array;
  /** Which of the generator's skins, in their order. */
  skin: number;
  /** `[size, size, 3]` linear RGB on our chart. */
  albedo: { data: Float32Array; size: number };
  light: PortraitLight;
  /** `[9, 3]` the unshadowed light to second order. */
  lighting: Lighting;
  occluder: Occluder;
  /** `[H, W]` 255 where the skin's face region is seen. */
  face: Uint8Array;
  /** `[H, W]` 255 where the person is. */
  person: Uint8Array;
  /** The meshes that make the picture up, the skin first. */
  meshes: PartMesh[];
}

export interface PerformanceFrame {
  /** `[De]` */
  expression: Float32Array;
  camera: Camera;
  /** Pixels along each side. */
  size: number;
  /** Seed of the sensor's noise. */
  noise: number;
}

/** A frame of somebody who does not exist. */
export type Performance = Pick<Portrait, 'image' | 'geometry' | 'positions'>;

/** Makes portraits, each from its seed alone. */
export interface PortraitGenerator {
  kit: FaceKit;
  /** `[V, 2]` where the generator's skin vertices lie on our chart. */
  chart: Float32Array;
  skins: readonly string[];
  environments: readonly string[];
  create(seed: number, options?: PortraitOptions): Portrait;
  /**
   * One frame of a performance: the person of a seed, with hair, light and skin of their portrait, in an expression and before a camera of one's own. Nothing is in front of the face.
   *
   * @param noise - decides the sensor's noise.
   */
  perform(seed: number, frame: PerformanceFrame): Performance;
  /** The same person by another camera, in another light, without things in front of the face. */
  render(portrait: Portrait, view: { camera: Camera; size: number; light?: PortraitLight }): Rendering;
  /** A portrait's light from another map, as bright on the face as its own. */
  relight(portrait: Portrait, environment: string, rotationRad: number): PortraitLight;
}

const TEXTURE_SIZE = 1024;
const LIGHTS = 64;
/** What fits into the picture at the face's distance, metres: from a tight to a loose portrait. */
const FRAME = [0.27, 0.4] as const;
/** From the camera to the face, metres, whatever lens and crop it takes: from a selfie to a studio's. */
const DISTANCE = [0.5, 1.8] as const;
const FACE_CENTRE = [0, 0.005, 0.06] as const;
/** Shading of the face's seen side, on the average, and how much of the light's colour a camera's white balance takes away. */
const EXPOSURE = [0.6, 0.95] as const;
const WHITE_BALANCE = 0.7;
/** Cameras lift dark faces. */
const LIFT = 0.2;
const USUAL_ALBEDO = 0.35;
/** The backdrop beside the face's light. */
const BACKDROP = 0.4;
/** Standard deviation of the sensor's noise, 8-bit steps. */
const NOISE = 1.2;
const GLOSS = { skin: 18, eye: 180, mouth: 60, hair: 12, cloth: 0, plastic: 90 };
const HAIR: readonly Rgb[] = [
  [0.012, 0.009, 0.008],
  [0.03, 0.018, 0.012],
  [0.08, 0.045, 0.025],
  [0.2, 0.12, 0.06],
  [0.14, 0.05, 0.025],
  [0.17, 0.16, 0.15],
];
const IRIS: readonly Rgb[] = [
  [0.05, 0.027, 0.014],
  [0.09, 0.05, 0.022],
  [0.1, 0.11, 0.06],
  [0.1, 0.15, 0.2],
];

/**
 * Loads everything that portraits are made of: ICT-FaceKit for shape, MakeHuman's skins, environment maps.
 *
 * @throws FaceError `DATA`, naming the file that is missing.
 * @example
 * const generator = await loadPortraitGenerator({ data, manifest, topology });
 * const { image, geometry, expression, camera } = generator.create(1);
 */
export async function loadPortraitGenerator(options: LoadPortraitGeneratorOptions): Promise<PortraitGenerator> {
  const { data, manifest, topology, environments = HELD_OUT_MAPS } = options;
  const kit = await loadFaceKit(data);
  const maps = new Map<string, EnvironmentMap>();
  for (const name of environments) maps.set(name, await loadEnvironment(data, name));
  const lookup = await loadSkinLookup();
  if (options.skins) lookup.heldOut = [...options.skins];
  const skins = await loadSkinAlbedos(data, lookup, topology.regions, TEXTURE_SIZE);
  const chart = await loadChart();
  const faceMask = { data: topology.faceMask.data, width: topology.faceMask.size, height: topology.faceMask.size };

  const light = (
    portrait: Pick<Portrait, 'meshes' | 'camera' | 'albedo'>,
    name: string,
    rotationRad: number,
    exposure: number,
  ) => {
    const unscaled = { name, map: maps.get(name)!, rotationRad };
    return { ...unscaled, gain: exposureGain(portrait, unscaled, exposure, chart, topology.faceMask) };
  };

  const names = manifest.expressionNames;
  return {
    kit,
    chart,
    skins: skins.map(({ name }) => name),
    environments,
    create(seed, settings = {}) {
      const { size, yaw, relief } = { ...PORTRAIT_DEFAULTS, ...settings };
      const random = createRandom(seed);
      const skin = seed % skins.length;
      const person = samplePerson(random, manifest, kit, skins[skin]);
      const occluder = settings.occluder ?? drawOccluder(random);
      const camera = sampleCamera(random, size, yaw);
      lookAtCamera(person.expression, manifest.expressionNames, camera, random);
      const positions = kit.pose(person.geometry, person.expression);
      const albedo = {
        data: paintFace(skins[skin], topology.regions, person.hair, person.brows, random),
        size: TEXTURE_SIZE,
      };
      const meshes = personMeshes(kit, chart, topology, person, positions, albedo, manifest.expressionNames, random);
      if (relief) meshes[0] = wrinkled(meshes[0], topology, seed);
      const base = { camera, meshes, albedo };
      const rotationRad = random.uniform(0, 2 * Math.PI);
      const chosen = environments[random.integer(environments.length)];
      const own = light(base, chosen, rotationRad, random.uniform(...EXPOSURE));
      const things = occluderMeshes(occluder, kit, positions, random);
      const rendering = draw(
        things.length ? [...meshes, ...things] : meshes,
        camera,
        own,
        size,
        faceMask,
        backdrop(own, camera, size),
      );
      const image = addNoise(rendering, random);
      return {
        seed,
        image,
        camera,
        geometry: person.geometry,
        expression: person.expression,
        positions,
        skin,
        albedo,
        light: own,
        lighting: projectedLight(own),
        occluder,
        face: rendering.face!,
        person: rendering.mask,
        meshes,
      };
    },
    perform(seed, { expression, camera, size, noise }) {
      const random = createRandom(seed);
      const skin = seed % skins.length;
      const person = samplePerson(random, manifest, kit, skins[skin]);
      const positions = kit.pose(person.geometry, expression);
      const albedo = {
        data: paintFace(skins[skin], topology.regions, person.hair, person.brows, random),
        size: TEXTURE_SIZE,
      };
      const chosen = environments[random.integer(environments.length)];
      const rotationRad = random.uniform(0, 2 * Math.PI);
      const meshesOf = (weights: Float32Array, posed: Float32Array) =>
        personMeshes(
          kit,
          chart,
          topology,
          { ...person, expression: weights },
          posed,
          albedo,
          names,
          createRandom(seed),
        );
      // Exposure and white balance are a take's, not a frame's.
      const rest = new Float32Array(expression.length);
      const take = { camera: orbitCamera(0, 0, 0, 1, FACE_CENTRE, size, size), albedo };
      const own = light(
        { ...take, meshes: meshesOf(rest, kit.pose(person.geometry, rest)) },
        chosen,
        rotationRad,
        (EXPOSURE[0] + EXPOSURE[1]) / 2,
      );
      const rendering = draw(meshesOf(expression, positions), camera, own, size, faceMask, backdrop(own, camera, size));
      return { image: addNoise(rendering, createRandom(noise)), geometry: person.geometry, positions };
    },
    render(portrait, { camera, size, light: other = portrait.light }) {
      return draw(portrait.meshes, camera, other, size, faceMask, backdrop(other, camera, size));
    },
    relight(portrait, environment, rotationRad) {
      return light(portrait, environment, rotationRad, (EXPOSURE[0] + EXPOSURE[1]) / 2);
    },
  };
}

/** The skin with relief, finer on the face. */
function wrinkled(skin: PartMesh, { faceMask, landmarks }: Topology, seed: number): PartMesh {
  const onFace = sampleChartMap(faceMask, skin.uvs);
  const dense = subdivide(skin, (vertex) => onFace[vertex] > 127, RELIEF_LEVELS);
  const heights = wrinkleHeights(dense.uvs, landmarks[68], chartScale(skin, onFace), seed);
  const inside = sampleChartMap(faceMask, dense.uvs);
  return displace(
    dense,
    heights.map((height, v) => (inside[v] / 255) * height),
  );
}

/** Metres per unit of the chart, on the median over edges of the face. */
function chartScale({ positions, uvs, indices }: PartMesh, onFace: ArrayLike<number>): number {
  const ratios: number[] = [];
  for (let t = 0; t < indices.length; t += 3) {
    const [a, b] = indices.subarray(t, t + 2);
    if (onFace[a] < 128 || onFace[b] < 128) continue;
    const length = Math.hypot(...[0, 1, 2].map((c) => positions[3 * a + c] - positions[3 * b + c]));
    ratios.push(length / Math.hypot(uvs[2 * a] - uvs[2 * b], uvs[2 * a + 1] - uvs[2 * b + 1]));
  }
  return median(ratios);
}

interface Person {
  geometry: Float32Array;
  expression: Float32Array;
  hair: Rgb;
  /** Metres; none at 0. */
  hairHeight: number;
  brows: number;
  iris: Rgb;
  cloth: Rgb;
}

function samplePerson(random: Random, manifest: Manifest, kit: FaceKit, skin: SkinAlbedo): Person {
  const { expression } = sampleCodes({ manifest }, () => random.uniform());
  const tone = meanAlbedo(skin);
  // Dark hair and eyes go with dark skin.
  const pick = (colours: readonly Rgb[]) => colours[random.integer(tone < 0.2 ? 2 : colours.length)];
  return {
    geometry: Float32Array.from({ length: kit.identityCount }, () => random.normal()),
    expression,
    hair: pick(HAIR),
    hairHeight: random.uniform() < 0.7 ? random.uniform(0.003, 0.018) : 0,
    brows: random.uniform(0.35, 1),
    iris: pick(IRIS),
    cloth: [random.uniform(0.02, 0.5), random.uniform(0.02, 0.5), random.uniform(0.02, 0.5)],
  };
}

function meanAlbedo({ data }: { data: Float32Array }): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 97) sum += data[i];
  return sum / Math.ceil(data.length / 97);
}

function drawOccluder(random: Random): Occluder {
  const draw = random.uniform();
  return draw < 0.2 ? 'glasses' : draw < 0.28 ? 'microphone' : 'none';
}

/** From in front of the face, turned about all three axes. */
function sampleCamera(random: Random, size: number, yawDeg: number): Camera {
  // Fewer from the side, as among portraits.
  const yaw = (yawDeg * random.uniform(-1, 1) * random.uniform(0.3, 1) * Math.PI) / 180;
  const pitch = (random.uniform(-12, 12) * Math.PI) / 180;
  const roll = (random.uniform(-8, 8) * Math.PI) / 180;
  const distance = DISTANCE[0] * (DISTANCE[1] / DISTANCE[0]) ** random.uniform();
  const focalLengthPx = (size * distance) / random.uniform(...FRAME);
  const target = FACE_CENTRE.map((x, k) => x + (k < 2 ? random.uniform(-0.018, 0.018) : 0));
  return orbitCamera(yaw, pitch, roll, distance, target, focalLengthPx, size);
}

/** Looks at a target; yaw as in `viewCamera`, positive pitch from above. Radians, metres. */
export function orbitCamera(
  yaw: number,
  pitch: number,
  roll: number,
  distance: number,
  target: readonly number[],
  focalLengthPx: number,
  size: number,
): Camera {
  const [cy, sy, cp, sp, cr, sr] = [yaw, pitch, roll].flatMap((a) => [Math.cos(a), Math.sin(a)]);
  const turned = [
    [cy, 0, sy],
    [sp * sy, cp, -sp * cy],
    [-cp * sy, sp, cp * cy],
  ];
  const rotation = [
    turned[0].map((x, k) => cr * x - sr * turned[1][k]),
    turned[0].map((x, k) => sr * x + cr * turned[1][k]),
    turned[2],
  ];
  const shift = rotation.map((row) => -(row[0] * target[0] + row[1] * target[1] + row[2] * target[2]));
  shift[2] -= distance;
  return {
    cameraFromWorld: [...[0, 1, 2].flatMap((c) => [...rotation.map((row) => row[c]), 0]), ...shift, 1],
    focalLengthPx,
    principalPointPx: [size / 2, size / 2],
  };
}

/** Where a camera is, world axes. */
export function cameraPlace({ cameraFromWorld: m }: Camera): [number, number, number] {
  return [0, 1, 2].map((k) => -(m[4 * k] * m[12] + m[4 * k + 1] * m[13] + m[4 * k + 2] * m[14])) as [
    number,
    number,
    number,
  ];
}

/** Most people in portraits look into the camera, as far as eyes turn; the rest somewhere near. */
function lookAtCamera(expression: Float32Array, names: readonly string[], camera: Camera, random: Random): void {
  const [x, y, z] = cameraPlace(camera);
  const yaw = Math.atan2(x, z - 0.08) + 0.06 * random.normal();
  const pitch = Math.atan2(y - 0.036, Math.hypot(x, z - 0.08)) + 0.05 * random.normal();
  const set = (name: string, angle: number, full: number) => {
    expression[names.indexOf(name)] = Math.min(0.7, Math.max(0, angle / ((full * Math.PI) / 180)));
  };
  for (const [side, out] of [
    ['L', yaw],
    ['R', -yaw],
  ] as const) {
    set(`eyeLookOut_${side}`, out, 30);
    set(`eyeLookIn_${side}`, -out, 28);
    set(`eyeLookUp_${side}`, pitch, 25);
    set(`eyeLookDown_${side}`, -pitch, 28);
  }
}

function personMeshes(
  kit: FaceKit,
  chart: Float32Array,
  topology: Topology,
  person: Person,
  posed: Float32Array,
  albedo: { data: Float32Array; size: number },
  names: readonly string[],
  random: Random,
): PartMesh[] {
  const image = { data: encodeSrgb(albedo.data), width: albedo.size, height: albedo.size };
  const skin = partMesh('skin', posed.slice(0, 3 * SKIN_END), kit.openSkin, chart, image);
  const eye = eyeImage(person.iris);
  const weight = (name: string) => person.expression[names.indexOf(name)];
  const inner = (name: 'gumsAndTongue' | 'teeth', colour: Rgb) => {
    const { positions, indices } = cutOut(posed, kit.parts[name]);
    return partMesh(name, positions, indices, new Float32Array((positions.length / 3) * 2), plainImage(colour));
  };
  const hairImage = roughImage(person.hair, 0.5, random, 512, 24);
  return [
    skin,
    eyeMesh(kit, 'L', posed, weight, eye),
    eyeMesh(kit, 'R', posed, weight, eye),
    inner('gumsAndTongue', GUMS),
    inner('teeth', TEETH),
    bustMesh(kit, posed, roughImage(person.cloth, 0.12, random)),
    ...(person.hairHeight > 0
      ? [hairMesh(kit, posed, chart, topology.regions, person.hairHeight, hairImage, random)]
      : []),
  ];
}

function occluderMeshes(occluder: Occluder, kit: FaceKit, posed: Float32Array, random: Random): PartMesh[] {
  const dark = plainImage([0.02, 0.02, 0.02]);
  if (occluder === 'glasses') return glassesMeshes(kit, posed, dark);
  if (occluder === 'microphone') return microphoneMeshes(random.uniform() < 0.5 ? -1 : 1, dark);
  return [];
}

function glossOf({ name }: PartMesh): number {
  if (name === 'skin') return GLOSS.skin;
  if (name.startsWith('eye')) return GLOSS.eye;
  if (name.startsWith('teeth') || name === 'gumsAndTongue' || name === 'tongue') return GLOSS.mouth;
  if (name === 'hair') return GLOSS.hair;
  return name === 'bust' ? GLOSS.cloth : GLOSS.plastic;
}

/** The meshes' textures are the same for every view of a portrait. */
const mipmapsOf = new WeakMap<RgbaImage, Mipmaps>();
function mipmaps(image: RgbaImage): Mipmaps {
  const known = mipmapsOf.get(image) ?? createMipmaps(image);
  mipmapsOf.set(image, known);
  return known;
}

/** What is slow about a view, and the same for all views of one person in one light. */
const knownShadows = new WeakMap<readonly PartMesh[], Map<string, Shadows>>();
function shadowsOf(
  meshes: readonly PartMesh[],
  name: string,
  rotationRad: number,
  lights: readonly FarLight[],
): Shadows {
  const ofMeshes = knownShadows.get(meshes) ?? new Map<string, Shadows>();
  knownShadows.set(meshes, ofMeshes);
  const key = `${name} ${rotationRad}`;
  const shadows = ofMeshes.get(key) ?? castShadows(meshes, lights);
  ofMeshes.set(key, shadows);
  return shadows;
}

/** A portrait's light on meshes, the avatar's too: far lights with the shadows that they cast, and the highlights that a camera sees. */
export function lightMeshes(
  meshes: readonly PartMesh[],
  camera: Camera,
  { name, map, rotationRad, gain }: PortraitLight,
): VertexLight[] {
  const lights = environmentLights(map, LIGHTS, rotationRad).map(({ direction, irradiance }) => ({
    direction,
    irradiance: irradiance.map((x, c) => x * gain[c]) as [number, number, number],
  }));
  const shadows = shadowsOf(meshes, name, rotationRad, lights);
  return transportLight(meshes, meshes.map(glossOf), lights, cameraPlace(camera), shadows);
}

function draw(
  meshes: PartMesh[],
  camera: Camera,
  light: PortraitLight,
  size: number,
  faceMask: { data: Uint8Array; width: number; height: number },
  background: RgbaImage,
): Rendering {
  const vertexLight = lightMeshes(meshes, camera, light);
  return renderAvatar(meshes, camera, new Float32Array(27), {
    width: size,
    height: size,
    background,
    vertexLight,
    mipmaps: meshes.map(({ image }) => mipmaps(image)),
    faceMask,
  });
}

/** What a light's map has to be multiplied by for the face's seen side to be as bright as `exposure`, and nearly white. */
function exposureGain(
  { meshes, camera, albedo }: Pick<Portrait, 'meshes' | 'camera' | 'albedo'>,
  light: Omit<PortraitLight, 'gain'>,
  exposure: number,
  chart: Float32Array,
  faceMask: ChartMap,
): Rgb {
  const [skin] = meshes;
  const [{ shading }] = lightMeshes(meshes, camera, { ...light, gain: [1, 1, 1] });
  const place = cameraPlace(camera);
  const onFace = sampleChartMap(faceMask, chart);
  const sum = [0, 0, 0];
  let count = 0;
  for (let v = 0; v < SKIN_END; v++) {
    const at = 3 * v;
    const towards = [0, 1, 2].reduce((dot, k) => dot + skin.normals[at + k] * (place[k] - skin.positions[at + k]), 0);
    if (onFace[v] < 128 || towards <= 0) continue;
    count++;
    for (let c = 0; c < 3; c++) sum[c] += shading[at + c];
  }
  const mean = sum.map((s) => s / Math.max(1, count));
  const grey = (mean[0] + mean[1] + mean[2]) / 3;
  const lift = (USUAL_ALBEDO / meanAlbedo(albedo)) ** LIFT;
  return mean.map((m) => ((exposure * lift) / grey) * (grey / Math.max(m, 1e-6)) ** WHITE_BALANCE) as unknown as Rgb;
}

function projectedLight({ map, rotationRad, gain }: PortraitLight): Lighting {
  return projectEnvironment(shrinkEnvironment(map), rotationRad).map((x, i) => x * gain[i % 3]);
}

/** The environment behind the person, out of focus. */
function backdrop({ map, rotationRad, gain }: PortraitLight, camera: Camera, size: number): RgbaImage {
  const { data: soft, width, height } = shrinkEnvironment(map);
  const m = camera.cameraFromWorld;
  const data = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let i = 0; i < size * size; i++) {
    const x = ((i % size) + 0.5 - camera.principalPointPx[0]) / camera.focalLengthPx;
    const y = -(Math.floor(i / size) + 0.5 - camera.principalPointPx[1]) / camera.focalLengthPx;
    const d = [0, 1, 2].map((k) => m[4 * k] * x + m[4 * k + 1] * y - m[4 * k + 2]);
    const polar = Math.acos(d[1] / Math.hypot(...d));
    const around = Math.atan2(d[0], d[2]) - rotationRad;
    const u = (around / (2 * Math.PI) + 0.5) * width - 0.5;
    const v = (polar / Math.PI) * height - 0.5;
    const [u0, v0] = [Math.floor(u), Math.floor(v)];
    for (let c = 0; c < 3; c++) {
      let value = 0;
      for (let k = 0; k < 4; k++) {
        const column = (((u0 + (k & 1)) % width) + width) % width;
        const line = Math.min(height - 1, Math.max(0, v0 + (k >> 1)));
        const weight = (k & 1 ? u - u0 : 1 - u + u0) * (k >> 1 ? v - v0 : 1 - v + v0);
        value += weight * soft[3 * (line * width + column) + c];
      }
      const shown = BACKDROP * value * gain[c];
      data[4 * i + c] = srgbByteFromLinear(shown / (1 + 0.5 * shown));
    }
  }
  return { data, width: size, height: size };
}

function addNoise({ data, width, height }: RgbaImage, random: Random): RgbaImage {
  return { data: data.map((value, i) => (i % 4 === 3 ? value : value + NOISE * random.normal())), width, height };
}
