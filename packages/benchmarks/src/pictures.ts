import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@implicit-faces/runtime';
import {
  type Codes,
  createExpression,
  modelField,
  type Rays,
  type SdfModel,
  sphereTrace,
} from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import sharp from 'sharp';
import { indicesWhere, normalized, rows } from './vectors.js';

const IDENTITIES = 5;
/** The poses that are hardest for the lips and lids, one column each. */
export const POSES: Record<string, Record<string, number>> = {
  neutral: {},
  blink: { eyeBlink_L: 1, eyeBlink_R: 1 },
  jawOpen: { jawOpen: 1 },
  smileAndBlink: { mouthSmile_L: 1, mouthSmile_R: 1, eyeBlink_L: 1, eyeBlink_R: 1 },
  pucker: { mouthPucker: 1 },
};
const WIDTH = 200;
const HEIGHT = 250;
/** Linear grey of skin, eyes, teeth with gums, tongue, by part. */
const GREYS = [0.55, 0.85, 0.85, 0.75, 0.75, 0.3];
const BACKGROUND = 40;
/** Towards a light on the upper left, and its share beside one at the camera. */
const LIGHT = [-0.45, 0.6, 0.66];
const LIGHT_SHARE = 0.65;

export interface WritePicturesOptions {
  seed?: number;
  /** Degrees to the subject's left. */
  yaw?: number;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

/**
 * Writes `clay.png`: five random identities (rows) in five poses (columns), sphere traced, without colour; eyes and teeth lighter, the tongue
 * darker.
 *
 * @param folder - made when it is not there.
 * @returns the file's path.
 */
export async function writePictures(
  model: SdfModel,
  folder: string,
  options: WritePicturesOptions = {},
): Promise<string> {
  const { seed = 7, yaw = 12, signal, onProgress } = options;
  const random = createRandom(seed);
  const poses = Object.values(POSES);
  const tiles: { input: Buffer; raw: { width: number; height: number; channels: 1 }; left: number; top: number }[] = [];
  for (let row = 0; row < IDENTITIES; row++) {
    const geometry = Float32Array.from({ length: model.manifest.codes.geometry }, () => random.normal());
    for (const [column, weights] of poses.entries()) {
      const codes = { geometry, expression: createExpression(model.manifest, weights) };
      const pixels = await drawClay(model, codes, yaw, signal);
      tiles.push({
        input: Buffer.from(pixels),
        raw: { width: WIDTH, height: HEIGHT, channels: 1 },
        left: column * WIDTH,
        top: row * HEIGHT,
      });
      onProgress?.(tiles.length / (IDENTITIES * poses.length));
    }
  }
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'clay.png');
  const sheet = { width: WIDTH * poses.length, height: HEIGHT * IDENTITIES, channels: 3 as const, background: 'black' };
  await sharp({ create: sheet }).composite(tiles).png().toFile(path);
  return path;
}

/** One picture, `[HEIGHT, WIDTH]` grey bytes. */
async function drawClay(model: SdfModel, codes: Codes, yaw: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { bounds, parts } = model.manifest;
  const rays = pictureRays(bounds, (yaw * Math.PI) / 180);
  const { hit, positions } = await sphereTrace(modelField(model, codes), rays, { bounds, signal });
  const seen = indicesWhere(hit.length, (i) => hit[i] === 1);
  const points = rows(positions, seen);
  const normals = await model.normals(points, codes);
  const { distance, partDistances } = await model.evaluateParts(points, codes);
  const pixels = new Uint8Array(WIDTH * HEIGHT).fill(BACKGROUND);
  seen.forEach((pixel, i) => {
    const part = partDistances.subarray(parts.length * i, parts.length * (i + 1)).indexOf(distance[i]);
    const towards = (direction: (k: number) => number) =>
      Math.max(
        [0, 1, 2].reduce((sum, k) => sum + normals[3 * i + k] * direction(k), 0),
        0,
      );
    const shading =
      LIGHT_SHARE * towards((k) => LIGHT[k]) + (1 - LIGHT_SHARE) * towards((k) => -rays.directions[3 * pixel + k]);
    pixels[pixel] = 255 * Math.min(GREYS[part] * (0.08 + 0.92 * shading), 1) ** (1 / 2.2);
  });
  return pixels;
}

/** The middle of the face from 0.6 m, turned by `yaw` radians. */
function pictureRays(bounds: Manifest['bounds'], yaw: number): Rays {
  const centre = [0, (bounds.min[1] + bounds.max[1]) / 2 - 0.005, 0.02];
  const origins = new Float32Array(3 * WIDTH * HEIGHT);
  const targets = new Float32Array(origins.length);
  const pixel = 0.24 / WIDTH;
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const x = ((i % WIDTH) + 0.5 - WIDTH / 2) * pixel;
    const y = (HEIGHT / 2 - Math.floor(i / WIDTH) - 0.5) * pixel;
    origins.set([centre[0] + 0.6 * Math.sin(yaw), centre[1], centre[2] + 0.6 * Math.cos(yaw)], 3 * i);
    targets.set([centre[0] + x * Math.cos(yaw), centre[1] + y, centre[2] - x * Math.sin(yaw)], 3 * i);
  }
  return { origins, directions: normalized(targets.map((x, i) => x - origins[i])) };
}
