import type { RgbaImage } from '@implicit-faces/avatar';
import type { Random } from '@implicit-faces/test-utils';
import {
  type ChartMap,
  encodeSrgb,
  pullPush,
  REGIONS,
  sampleChartMap,
  softened,
  texelCentres,
} from '@implicit-faces/uv-param';
import { loadHeldOutSkins, type SkinLookup } from '../albedo-metrics.js';

export type Rgb = readonly [number, number, number];

/** Linear albedos. */
const MOUTH_BAG: Rgb = [0.12, 0.03, 0.025];
const SOCKET: Rgb = [0.16, 0.07, 0.055];
export const TEETH: Rgb = [0.5, 0.44, 0.35];
export const GUMS: Rgb = [0.34, 0.11, 0.1];
/** Two places of a skin's picture that neighbours of our chart name are on the two sides of a seam when they are farther apart than this. */
const SEAM = 0.06;
/** In the region map's texels. */
const SOFT = { brows: 3, sockets: 4 };

/** A skin on our chart. */
export interface SkinAlbedo {
  name: string;
  /** `[size, size, 3]` linear RGB. */
  data: Float32Array;
  size: number;
}

/**
 * Skins of MakeHuman's layout, resampled on our chart, with what they do not show (ears, the mouth's inside) filled in. They have no brows.
 *
 * @param lookup - its `heldOut` names the skins.
 * @throws FaceError `DATA` as `loadHeldOutSkins` does.
 */
export async function loadSkinAlbedos(
  data: string,
  lookup: SkinLookup,
  regions: ChartMap,
  size: number,
): Promise<SkinAlbedo[]> {
  const { places, known } = refineLookup(lookup, size);
  const skins = await loadHeldOutSkins(data, { place: places, heldOut: lookup.heldOut });
  const region = sampleChartMap(regions, texelCentres(size));
  const isInside = (i: number) => region[i] === REGIONS.mouthBag || region[i] === REGIONS.eyeSockets;
  const weight = known.map((k, i) => (isInside(i) ? 0 : k));
  return skins.map(({ name, albedo }) => {
    const filled = pullPush(albedo, weight, size);
    for (let i = 0; i < size * size; i++) {
      if (region[i] === REGIONS.mouthBag) filled.set(MOUTH_BAG, 3 * i);
      if (region[i] === REGIONS.eyeSockets) filled.set(SOCKET, 3 * i);
    }
    return { name, data: filled, size };
  });
}

/** The lookup between its places, bilinear: `[size * size, 2]`, and 1 where all four neighbours are known and on one side of the skins' seam. */
function refineLookup({ uv, place, gridSize: coarse }: SkinLookup, size: number) {
  const grid = new Float32Array(2 * coarse * coarse);
  const offset = uv[0] * coarse - Math.floor(uv[0] * coarse);
  for (let i = 0; i < uv.length / 2; i++) {
    const at = Math.floor(uv[2 * i + 1] * coarse) * coarse + Math.floor(uv[2 * i] * coarse);
    grid.set(place.subarray(2 * i, 2 * i + 2), 2 * at);
  }
  const places = new Float32Array(2 * size * size);
  const known = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const gy = ((y + 0.5) / size) * coarse - offset;
    const y0 = Math.floor(gy);
    for (let x = 0; x < size; x++) {
      const gx = ((x + 0.5) / size) * coarse - offset;
      const x0 = Math.floor(gx);
      if (x0 < 0 || y0 < 0 || x0 + 1 >= coarse || y0 + 1 >= coarse) continue;
      const corners = [0, 1, 2, 3].map((k) => 2 * ((y0 + (k >> 1)) * coarse + x0 + (k & 1)));
      if (corners.some((at) => grid[at] === 0)) continue;
      const spread = (axis: number) => {
        const values = corners.map((at) => grid[at + axis]);
        return Math.max(...values) - Math.min(...values);
      };
      if (spread(0) > SEAM || spread(1) > SEAM) continue;
      const [sx, sy] = [gx - x0, gy - y0];
      const weights = [(1 - sx) * (1 - sy), sx * (1 - sy), (1 - sx) * sy, sx * sy];
      const i = y * size + x;
      known[i] = 1;
      for (let k = 0; k < 4; k++) {
        places[2 * i] += weights[k] * grid[corners[k]];
        places[2 * i + 1] += weights[k] * grid[corners[k] + 1];
      }
    }
  }
  return { places, known };
}

/** The skin with brows and the lids' dark rims, which the skins do not have; `brows` is 0 (none) to 1 (thick). */
export function paintFace(skin: SkinAlbedo, regions: ChartMap, hair: Rgb, brows: number, random: Random): Float32Array {
  const { size } = skin;
  const places = texelCentres(size);
  const only = (wanted: number, radius: number) =>
    sampleSmooth(
      softened({ data: regions.data.map((r) => (r === wanted ? 255 : 0)), size: regions.size }, radius),
      places,
    );
  const brow = only(REGIONS.brows, SOFT.brows);
  const rim = only(REGIONS.eyeSockets, SOFT.sockets);
  const strands = smoothNoise(size, 3, random);
  const region = sampleChartMap(regions, places);
  return skin.data.map((value, at) => {
    const i = Math.floor(at / 3);
    if (region[i] === REGIONS.eyeSockets) return value;
    const hairs = Math.min(1, brows * brow[i] * (1 + 0.7 * strands[i]));
    const lashes = Math.min(0.75, 1.5 * rim[i]) ** 2;
    const covered = Math.max(hairs * 0.9, lashes);
    return value * (1 - covered) + hair[at % 3] * covered;
  });
}

/** An eyeball seen along its gaze: the angle from the axis grows with the distance from the middle, pi at the border. */
export function eyeImage(iris: Rgb, size = 512): RgbaImage {
  const data = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    const x = ((i % size) + 0.5) / size - 0.5;
    const y = (Math.floor(i / size) + 0.5) / size - 0.5;
    const angle = Math.hypot(x, y) * 2 * Math.PI;
    const turn = Math.atan2(y, x);
    const fibres = 1 + 0.25 * Math.sin(47 * turn + 3 * Math.sin(13 * turn)) * Math.sin(31 * turn);
    const inIris = smoothstep(0.5, 0.46, angle);
    const inPupil = smoothstep(0.2, 0.17, angle);
    const limbus = smoothstep(0.36, 0.48, angle);
    const pink = smoothstep(0.6, 1.2, angle);
    const white: Rgb = [0.55 - 0.06 * pink, 0.5 - 0.17 * pink, 0.46 - 0.17 * pink];
    for (let c = 0; c < 3; c++) {
      const coloured = iris[c] * fibres * (1 - 0.75 * limbus);
      data[3 * i + c] = (white[c] * (1 - inIris) + coloured * inIris) * (1 - inPupil) + 0.004 * inPupil;
    }
  }
  return { data: encodeSrgb(data), width: size, height: size };
}

/** One colour, with a weave or strands of noise; `stretch` draws it out along v. */
export function roughImage(colour: Rgb, roughness: number, random: Random, size = 128, stretch = 1): RgbaImage {
  const noise = smoothNoise(size, 1, random, stretch);
  const data = new Float32Array(3 * size * size).map(
    (_, at) => colour[at % 3] * Math.exp(roughness * noise[Math.floor(at / 3)]),
  );
  return { data: encodeSrgb(data), width: size, height: size };
}

export function plainImage(colour: Rgb): RgbaImage {
  return { data: encodeSrgb(Float32Array.from(colour)), width: 1, height: 1 };
}

/** `[size, size]` of about -1 to 1, whose grains are `grain` texels wide and `stretch` times as long along v. */
function smoothNoise(size: number, grain: number, random: Random, stretch = 1): Float32Array {
  const [columns, lines] = [Math.ceil(size / grain) + 2, Math.ceil(size / grain / stretch) + 2];
  const cells = random.uniforms(columns * lines, -1, 1);
  return Float32Array.from({ length: size * size }, (_, i) => {
    const x = (i % size) / grain;
    const y = Math.floor(i / size) / grain / stretch;
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [sx, sy] = [x - x0, y - y0];
    const at = y0 * columns + x0;
    return (
      (1 - sy) * ((1 - sx) * cells[at] + sx * cells[at + 1]) +
      sy * ((1 - sx) * cells[at + columns] + sx * cells[at + columns + 1])
    );
  });
}

/** A chart map between its texels, 0 to 1. */
function sampleSmooth({ data, size }: ChartMap, uv: Float32Array): Float32Array {
  return Float32Array.from({ length: uv.length / 2 }, (_, i) => {
    const x = Math.min(Math.max(uv[2 * i] * size - 0.5, 0), size - 1.001);
    const y = Math.min(Math.max(uv[2 * i + 1] * size - 0.5, 0), size - 1.001);
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [sx, sy] = [x - x0, y - y0];
    const at = y0 * size + x0;
    return (
      ((1 - sy) * ((1 - sx) * data[at] + sx * data[at + 1]) +
        sy * ((1 - sx) * data[at + size] + sx * data[at + size + 1])) /
      255
    );
  });
}

export function smoothstep(from: number, to: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - from) / (to - from)));
  return t * t * (3 - 2 * t);
}
