import { blur } from '../photo.js';

/** Side of the map of what is broad and grey, texels. About a millimetre of the face each. */
export const SHADE_SIZE = 256;
/** Standard deviation of the blur above which something is broad, texels of that map. */
const BROAD = 2;
/**
 * How much of what is broad and grey is light. On twenty synthetic portraits of training's skins and maps a regression of the true logarithm of albedo over the model's on the seen one kept 0.1 to 0.35 of every band from
 * 4 mm to 6 cm. The mean over the face (exposure, complexion) stays albedo.
 */
const SHARE_OF_LIGHT = 0.8;
/** Logarithms farther from the mean than this are things (brows, beards, lashes) more than light, and speak for no more than themselves. */
const MATERIAL = 0.9;

/**
 * What of a face's ratios is light that the harmonics do not explain: shadows, highlights. Light differs broadly and in brightness, skin finely and in colour (the Retinex assumption: Land and McCann 1971), and the
 * texture code has already said what of skin is broad.
 *
 * @param ratio - `[size, size, 3]` logarithms of photo over albedo without gaps.
 * @param face - `[SHADE_SIZE, SHADE_SIZE]` 255 where it may be light, 0 where not.
 * @returns `[SHADE_SIZE, SHADE_SIZE]` logarithms.
 */
export function broadGrey(ratio: Float32Array, size: number, face: Uint8Array): Float32Array {
  const grey = averageGrey(ratio, size);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < grey.length; i++) {
    sum += face[i] * grey[i];
    total += face[i];
  }
  const mean = total > 0 ? sum / total : 0;
  const data = new Float32Array(2 * grey.length);
  for (let i = 0; i < grey.length; i++) {
    const difference = grey[i] - mean;
    const weight = face[i] / 255 / (1 + (difference / MATERIAL) ** 2) ** 2;
    data[2 * i] = weight * difference;
    data[2 * i + 1] = weight;
  }
  const soft = blur({ data, width: SHADE_SIZE, height: SHADE_SIZE, channels: 2 }, BROAD).data;
  return grey.map((_, i) => (face[i] > 0 ? (SHARE_OF_LIGHT * (face[i] / 255) * soft[2 * i]) / soft[2 * i + 1] : 0));
}

/** The channels' mean over squares of texels, `[SHADE_SIZE, SHADE_SIZE]`. */
function averageGrey(ratio: Float32Array, size: number): Float32Array {
  const out = new Float32Array(SHADE_SIZE * SHADE_SIZE);
  const step = size / SHADE_SIZE;
  for (let y = 0; y < size; y++) {
    const line = Math.floor(y / step) * SHADE_SIZE;
    for (let x = 0; x < size; x++) {
      const i = 3 * (y * size + x);
      out[line + Math.floor(x / step)] += ratio[i] + ratio[i + 1] + ratio[i + 2];
    }
  }
  return out.map((sum) => sum / (3 * step * step));
}
