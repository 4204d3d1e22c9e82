import type { Network } from '@implicit-faces/runtime';
import { cropRoi, frameRoi, ImagePyramid, type Roi } from './crop.js';
import { runFinite } from './run-finite.js';
import type { Box, Image, PersonMask } from './types.js';

const SIDE = 256;
/** The window around a face, as a multiple of its box: head and shoulders, the framing that the network was trained on. */
const PORTRAIT_WINDOW = 3;
/** A portrait window that is hardly smaller than the frame would add seams and no detail. */
const WORTHWHILE = 0.75;
/** The portrait window's result fades into the whole frame's over this share of its half side. */
const FADE = 0.2;

/** Runs the person network on the frame and, given a face, once more on head and shoulders for a sharper outline there. */
export async function segmentPerson(
  network: Network,
  image: Image,
  box: Box | undefined,
  signal: AbortSignal | undefined,
): Promise<PersonMask> {
  const { width, height } = image;
  const pyramid = new ImagePyramid(image);
  const frame = frameRoi(image);
  const windows = [frame];
  const portrait = box && portraitRoi(box);
  if (portrait && portrait.size < WORTHWHILE * frame.size) windows.push(portrait);

  const data = new Uint8Array(width * height);
  for (const [i, window] of windows.entries()) {
    signal?.throwIfAborted();
    const input = cropRoi(pyramid, window, SIDE, { scale: 1 / 255, offset: 0 }, 'replicate');
    const outputs = await runFinite(network, input, SIDE);
    paste(outputs.mask.data, window, { data, width, height }, i === 0 ? 0 : FADE);
  }
  return { data, width, height };
}

/** Centred on the face, so that all of the hair is inside. */
function portraitRoi({ x, y, width, height }: Box): Roi {
  const extent = Math.max(width, height);
  return { centerX: x + width / 2, centerY: y + height / 2, size: extent * PORTRAIT_WINDOW, rotation: 0 };
}

/** Writes a window's `[SIDE, SIDE]` mask into the image-sized one, bilinearly, fading in from the window's border. */
function paste(mask: Float32Array, { centerX, centerY, size }: Roi, target: PersonMask, fade: number): void {
  const { data, width, height } = target;
  const left = centerX - size / 2;
  const top = centerY - size / 2;
  const last = SIDE - 1;
  const yEnd = Math.min(height, Math.ceil(top + size));
  const xEnd = Math.min(width, Math.ceil(left + size));
  for (let row = Math.max(0, Math.floor(top)); row < yEnd; row++) {
    const v = (row + 0.5 - top) / size;
    const y = Math.min(Math.max(v * SIDE - 0.5, 0), last);
    const y0 = Math.floor(y);
    const y1 = Math.min(y0 + 1, last);
    for (let column = Math.max(0, Math.floor(left)); column < xEnd; column++) {
      const u = (column + 0.5 - left) / size;
      const x = Math.min(Math.max(u * SIDE - 0.5, 0), last);
      const x0 = Math.floor(x);
      const x1 = Math.min(x0 + 1, last);
      const upper = mask[y0 * SIDE + x0] * (1 - (x - x0)) + mask[y0 * SIDE + x1] * (x - x0);
      const lower = mask[y1 * SIDE + x0] * (1 - (x - x0)) + mask[y1 * SIDE + x1] * (x - x0);
      const value = (upper * (1 - (y - y0)) + lower * (y - y0)) * 255;
      const inset = 1 - 2 * Math.max(Math.abs(u - 0.5), Math.abs(v - 0.5)); // 0 at the border, 1 in the middle
      const weight = fade === 0 ? 1 : Math.min(Math.max(inset / fade, 0), 1);
      const at = row * width + column;
      data[at] = Math.round(data[at] * (1 - weight) + value * weight);
    }
  }
}
