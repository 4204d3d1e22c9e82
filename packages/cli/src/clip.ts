import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ClipFrame } from '@implicit-faces/inversion';
import { decodeImage } from '@implicit-faces/landmarks/node';
import sharp, { type Metadata } from 'sharp';
import { type CliErrorCode, FaceError } from './errors.js';

/** A clip on disk. */
export interface Clip {
  frameCount: number;
  /** Decodes the frames one after the other. */
  frames(): AsyncGenerator<ClipFrame>;
}

const PICTURES = new Set(['.png', '.jpg', '.jpeg', '.webp', '.avif', '.gif', '.tif', '.tiff']);
/** An animation has to be read from its beginning for every part of it, and a part of it has to fit into memory. */
const PART_FRAMES = 16;
/** What browsers do with frames that are to be shown for no time. */
const LEAST_DELAY_MS = 20;
const USUAL_DELAY_MS = 100;

/**
 * Opens a clip: a folder of pictures, in the order of the numbers in their names, or an animated GIF or WebP file.
 *
 * @param fps - frames per second of a folder; an animation knows its own times.
 * @throws FaceError `INPUT` when there is no such clip; `frames` as `decodeImage` does.
 */
export async function openClip(path: string, fps: number): Promise<Clip> {
  const found = await stat(path).catch((cause) => {
    throw notClip(path, `cannot be read (${cause.code}). Check the path`, cause);
  });
  return found.isDirectory() ? openFolder(path, fps) : openAnimation(path);
}

async function openFolder(folder: string, fps: number): Promise<Clip> {
  const order = new Intl.Collator('en', { numeric: true });
  const names = (await readdir(folder))
    .filter((name) => PICTURES.has(extname(name).toLowerCase()))
    .sort((a, b) => order.compare(a, b));
  if (names.length === 0) throw notClip(folder, 'holds no pictures. Pass a folder of frames');
  return {
    frameCount: names.length,
    async *frames() {
      for (const [i, name] of names.entries()) yield { ...(await decodeImage(join(folder, name))), time: i / fps };
    },
  };
}

async function openAnimation(path: string): Promise<Clip> {
  const metadata = await sharp(path)
    .metadata()
    .catch((cause): Metadata => {
      throw notClip(path, 'is not a picture. Pass a folder of frames, or an animated GIF or WebP file', cause);
    });
  const { pages = 1, delay = [] } = metadata;
  if (pages < 2) throw notClip(path, 'holds one frame. Pass a folder of frames, or an animated GIF or WebP file');
  return {
    frameCount: pages,
    async *frames() {
      let milliseconds = 0;
      for (let page = 0; page < pages; page += PART_FRAMES) {
        const count = Math.min(PART_FRAMES, pages - page);
        const { data, info } = await sharp(path, { page, pages: count })
          .flatten({ background: 'white' })
          .toColourspace('srgb')
          .ensureAlpha()
          .raw()
          .toBuffer({ resolveWithObject: true })
          .catch((cause) => {
            throw notClip(path, `ends at or before frame ${page + count}. Pass a whole file`, cause);
          });
        const [width, height] = [info.width, info.height / count];
        for (let i = 0; i < count; i++) {
          const bytes = data.subarray(4 * width * height * i, 4 * width * height * (i + 1));
          yield { data: new Uint8ClampedArray(bytes), width, height, time: milliseconds / 1000 };
          const shown = delay[page + i] ?? 0;
          milliseconds += shown < LEAST_DELAY_MS ? USUAL_DELAY_MS : shown;
        }
      }
    },
  };
}

function notClip(path: string, reason: string, cause?: unknown): FaceError {
  return new FaceError<CliErrorCode>('INPUT', `${path} ${reason}.`, { cause });
}
