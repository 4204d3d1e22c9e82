import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';
import { normalise, SH, type Vec3 } from './lighting.js';

/** A picture of light from all around: equirectangular, the middle column from +Z, the left and right edges from -Z, +X right of the middle. */
export interface EnvironmentMap {
  /** `[H, W, C]` linear radiance, C 3 or 4. Row 0 is straight up. */
  data: Float32Array;
  width: number;
  height: number;
}

/** A light of a scene. Colours are linear RGB, times their strength. */
export type SceneLight =
  | { kind: 'ambient'; colour: Vec3 }
  /** Sky above (`colour`) and ground below. */
  | { kind: 'hemisphere'; colour: Vec3; ground: Vec3; up?: Vec3 }
  /** `toLight` need not be of unit length. A surface that faces it shades to `colour`. */
  | { kind: 'directional'; colour: Vec3; toLight: Vec3 };

/** Of a clamped cosine lobe's harmonics of order 0, 1, 2, divided by pi: from radiance to what a white matte surface sends back (Ramamoorthi & Hanrahan 2001). */
export const COSINE = [1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4];

/** The nine harmonics in a direction. */
export function evaluateBasis([x, y, z]: Vec3): number[] {
  return [1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y].map((b, k) => SH[k] * b);
}

/**
 * The shading that an environment makes on matte skin.
 *
 * @param rotationRad - turns the environment about the vertical axis, counter-clockwise seen from above.
 * @returns `[9, 3]`, for `setLighting`.
 * @throws FaceError `SHAPE` when the numbers are not the picture's.
 */
export function projectEnvironment({ data, width, height }: EnvironmentMap, rotationRad = 0): Float32Array {
  const channels = data.length / (width * height);
  if (channels !== 3 && channels !== 4) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `projectEnvironment: data should be [${height}, ${width}, 3 or 4]; received ${data.length} numbers.`,
    );
  }
  const sum = new Float64Array(27);
  for (let j = 0; j < height; j++) {
    const polar = (Math.PI * (j + 0.5)) / height;
    const solidAngle =
      ((2 * Math.PI) / width) * (Math.cos((Math.PI * j) / height) - Math.cos((Math.PI * (j + 1)) / height));
    for (let i = 0; i < width; i++) {
      const around = 2 * Math.PI * ((i + 0.5) / width - 0.5) + rotationRad;
      const direction: Vec3 = [Math.sin(polar) * Math.sin(around), Math.cos(polar), Math.sin(polar) * Math.cos(around)];
      const at = channels * (j * width + i);
      evaluateBasis(direction).forEach((b, k) => {
        for (let c = 0; c < 3; c++) sum[3 * k + c] += solidAngle * b * data[at + c];
      });
    }
  }
  return Float32Array.from(sum, (value, i) => value * COSINE[Math.floor(i / 3)]);
}

/**
 * The shading that a list of lights makes.
 *
 * @returns `[9, 3]`, for `setLighting`.
 */
export function projectLights(lights: readonly SceneLight[]): Float32Array {
  const out = new Float32Array(27);
  const add = (weights: readonly number[], colour: Vec3) =>
    weights.forEach((w, k) => {
      for (let c = 0; c < 3; c++) out[3 * k + c] += w * colour[c];
    });
  for (const light of lights) {
    if (light.kind === 'ambient') add([1 / SH[0]], light.colour);
    else if (light.kind === 'hemisphere') {
      const [x, y, z] = normalise(light.up ?? [0, 1, 0]);
      const mean = light.colour.map((sky, c) => (sky + light.ground[c]) / 2) as unknown as Vec3;
      const half = light.colour.map((sky, c) => (sky - light.ground[c]) / 2) as unknown as Vec3;
      add([1 / SH[0]], mean);
      add([0, y / SH[1], z / SH[2], x / SH[3]], half);
    } else {
      // Radiance of a far light as a delta: pi times the colour, so that facing it shades to the colour.
      add(
        evaluateBasis(normalise(light.toLight)).map((b, k) => b * COSINE[k] * Math.PI),
        light.colour,
      );
    }
  }
  return out;
}
