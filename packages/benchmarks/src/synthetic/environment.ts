import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentMap } from '@implicit-faces/renderer-webgl';
import { FaceError } from '@implicit-faces/runtime';
import { FloatType } from 'three';
import { HDRLoader } from 'three/addons/loaders/HDRLoader.js';

/**
 * The maps of `hdri/` that light evaluation only, every third of the alphabet; whatever is trained may use the others.
 */
export const HELD_OUT_MAPS = ['apartment', 'esplanade', 'lab', 'sunrise'] as const;
/** Fine enough for a sun 5 degrees wide, coarse enough to make cutting it up quick. */
const COARSE = [64, 32] as const;

/** A far light, that shines on everything from one direction. */
export interface FarLight {
  /** Unit vector toward the light, world axes. */
  direction: readonly [number, number, number];
  /** Linear RGB irradiance of a surface that faces it. */
  irradiance: readonly [number, number, number];
}

/**
 * Reads an environment map.
 *
 * @param data - the folder that holds `hdri`.
 * @returns as `projectEnvironment` of renderer-webgl takes it.
 * @throws FaceError `DATA` when it is not there or is no Radiance picture.
 */
export async function loadEnvironment(data: string, name: string): Promise<EnvironmentMap> {
  const path = join(data, 'hdri', `${name}.hdr`);
  try {
    const bytes = await readFile(path);
    const loader = new HDRLoader().setDataType(FloatType);
    const { data: rgba, width, height } = loader.parse(new Uint8Array(bytes).buffer);
    if (!(rgba instanceof Float32Array && width && height)) throw new Error('not a picture of floats');
    return { data: rgba, width, height };
  } catch (cause) {
    throw new FaceError(
      'DATA',
      `loadEnvironment: ${path} cannot be read. Pass the data folder, that holds hdri/ with its Radiance pictures, as --data.`,
      { cause },
    );
  }
}

/** The same map with fewer pixels, each the mean of those under it: `width` and `height` should divide the map's. `[H, W, 3]` */
export function shrinkEnvironment(map: EnvironmentMap, width: number = COARSE[0], height: number = COARSE[1]) {
  const channels = map.data.length / (map.width * map.height);
  const [stepX, stepY] = [map.width / width, map.height / height];
  const data = new Float32Array(3 * width * height);
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++) {
      const to = 3 * (Math.floor(y / stepY) * width + Math.floor(x / stepX));
      for (let c = 0; c < 3; c++) data[to + c] += map.data[channels * (y * map.width + x) + c] / (stepX * stepY);
    }
  }
  return { data, width, height };
}

/**
 * A map as a few far lights of like power: the region with the most power is cut in two along its longer side, again and again, where both halves have the same.
 *
 * @param rotationRad - turns the map about the vertical axis, counter-clockwise seen from above, as `projectEnvironment` does.
 * @see Debevec, "A median cut algorithm for light probe sampling", 2005.
 */
export function environmentLights(map: EnvironmentMap, count: number, rotationRad = 0): FarLight[] {
  const { data, width, height } = shrinkEnvironment(map);
  const solidAngle = (y: number) =>
    ((2 * Math.PI) / width) * (Math.cos((Math.PI * y) / height) - Math.cos((Math.PI * (y + 1)) / height));
  const power = (x: number, y: number) => {
    const at = 3 * (y * width + x);
    return (0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2]) * solidAngle(y);
  };
  const total = ([left, top, right, bottom]: number[]) => {
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += power(x, y);
    return sum;
  };
  const regions = [{ box: [0, 0, width, height], power: total([0, 0, width, height]) }];
  while (regions.length < count) {
    const cuttable = regions.filter(({ box: [l, t, r, b] }) => (r - l) * (b - t) > 1);
    if (cuttable.length === 0) break;
    const region = cuttable.reduce((a, b) => (b.power > a.power ? b : a));
    const [left, top, right, bottom] = region.box;
    const across =
      (right - left) * Math.sin((Math.PI * (top + bottom)) / 2 / height) >= bottom - top && right - left > 1;
    const [from, to] = across ? [left, right] : [top, bottom];
    let at = from + 1;
    let first = 0;
    const half = (cut: number) => (across ? [left, top, cut, bottom] : [left, top, right, cut]);
    for (; at < to; at++) {
      first = total(half(at));
      if (first >= region.power / 2) break;
    }
    at = Math.min(at, to - 1);
    first = total(half(at));
    const second = across ? [at, top, right, bottom] : [left, at, right, bottom];
    regions.splice(
      regions.indexOf(region),
      1,
      { box: half(at), power: first },
      { box: second, power: region.power - first },
    );
  }
  return regions.flatMap(({ box: [left, top, right, bottom] }) => {
    const irradiance: [number, number, number] = [0, 0, 0];
    const sum = [0, 0, 0];
    for (let y = top; y < bottom; y++) {
      const polar = (Math.PI * (y + 0.5)) / height;
      for (let x = left; x < right; x++) {
        const around = 2 * Math.PI * ((x + 0.5) / width - 0.5) + rotationRad;
        const weight = power(x, y);
        sum[0] += weight * Math.sin(polar) * Math.sin(around);
        sum[1] += weight * Math.cos(polar);
        sum[2] += weight * Math.sin(polar) * Math.cos(around);
        for (let c = 0; c < 3; c++) irradiance[c] += solidAngle(y) * data[3 * (y * width + x) + c];
      }
    }
    const length = Math.hypot(...sum);
    if (length === 0) return [];
    return [{ direction: sum.map((s) => s / length) as [number, number, number], irradiance }];
  });
}
