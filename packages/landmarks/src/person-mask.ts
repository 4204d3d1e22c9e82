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
  const columns = spread(centerX - size / 2, size, target.width, fade);
  const rows = spread(centerY - size / 2, size, target.height, fade);
  for (let row = 0; row < rows.count; row++) pasteRow(mask, rows, row, columns, target);
}

/** Where the pixels that a window covers along one side of an image lie in its mask. */
interface Spread {
  /** The first of them, and how many there are. */
  begin: number;
  count: number;
  /** `[count]` the mask's values before and behind each, and the second one's share. */
  first: Int32Array;
  second: Int32Array;
  share: Float64Array;
  /** `[count]` how much the mask counts there, by the distance from the window's border. */
  weight: Float64Array;
}

function spread(from: number, size: number, length: number, fade: number): Spread {
  const begin = Math.max(0, Math.floor(from));
  const count = Math.max(0, Math.min(length, Math.ceil(from + size)) - begin);
  const out: Spread = {
    begin,
    count,
    first: new Int32Array(count),
    second: new Int32Array(count),
    share: new Float64Array(count),
    weight: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const u = (begin + i + 0.5 - from) / size;
    const x = Math.min(Math.max(u * SIDE - 0.5, 0), SIDE - 1);
    out.first[i] = Math.floor(x);
    out.second[i] = Math.min(out.first[i] + 1, SIDE - 1);
    out.share[i] = x - out.first[i];
    const inset = 1 - 2 * Math.abs(u - 0.5); // 0 at the border, 1 in the middle
    out.weight[i] = fade === 0 ? 1 : Math.min(Math.max(inset / fade, 0), 1);
  }
  return out;
}

function pasteRow(mask: Float32Array, rows: Spread, row: number, columns: Spread, { data, width }: PersonMask): void {
  const above = SIDE * rows.first[row];
  const below = SIDE * rows.second[row];
  const sy = rows.share[row];
  const most = rows.weight[row];
  const { first, second, share, weight, count } = columns;
  for (let i = 0, at = (rows.begin + row) * width + columns.begin; i < count; i++, at++) {
    const sx = share[i];
    const upper = mask[above + first[i]] * (1 - sx) + mask[above + second[i]] * sx;
    const lower = mask[below + first[i]] * (1 - sx) + mask[below + second[i]] * sx;
    const counts = Math.min(most, weight[i]);
    data[at] = Math.round(data[at] * (1 - counts) + (upper * (1 - sy) + lower * sy) * 255 * counts);
  }
}
