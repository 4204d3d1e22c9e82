import type { EncoderInput, FaceModel, RgbaImage } from '@implicit-faces/avatar';
import { cropFace, type FaceCrop } from '@implicit-faces/landmarks';
import { lookUp } from '../photo.js';
import { applySimilarity, fitSimilarity } from '../similarity.js';
import { glTfAxes } from './start.js';

/** What is believed of the codes before anything is compared with the photo. */
export interface CodeStart {
  /** `[Dg + De]` */
  codes: Float64Array;
  /** Root mean square of vertex distances to the true face that the encoder expects, millimetres. */
  expectedErrorMm: number;
}

/** Beyond this the encoder's own guess of its error says that it has not seen the like: the mean face is about as far off. */
export const MOST_EXPECTED_ERROR_MM = 4.5;

// As training/encoder.py has them: the crop that is unwrapped, the part of the chart that it is unwrapped to, and the cosines between which a texel turns from hidden to seen.
const CROP = { side: 160, margin: 1.3 };
const REGION = { low: [0.15, 0.2], high: [0.85, 0.9] } as const;
const FACING = [0.05, 0.35] as const;

/** The mean face as the encoder's inputs are made with it. */
export interface MeanFace {
  /** `[468, 3]` landmarks, metres. */
  landmarks: Float32Array;
  /** `[side, side, 3]` places under the texels of the unwrapped picture, metres. */
  places: Float32Array;
  side: number;
}

/** Asks the model for its mean face. */
export async function loadMeanFace({ manifest, uv }: FaceModel, side: number): Promise<MeanFace> {
  const { geometry, expression } = manifest.codes;
  const zero = { geometry: new Float32Array(geometry), expression: new Float32Array(expression) };
  const texels = Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const [axis, texel] = [i & 1, i >> 1];
    const along = ((axis === 0 ? texel % side : Math.floor(texel / side)) + 0.5) / side;
    return REGION.low[axis] + along * (REGION.high[axis] - REGION.low[axis]);
  });
  const landmarks = await uv.surfaceFromUv(uv.topology.landmarks[468], zero);
  return { landmarks, places: await uv.surfaceFromUv(texels, zero), side };
}

/**
 * Makes the encoder's inputs. The mean face, laid over the crop by the similarity that brings its landmarks to the detected ones, says which pixel each texel looks at.
 */
export function unwrapFace({ pixels, points }: FaceCrop, mean: MeanFace): EncoderInput {
  const detected = glTfAxes(points);
  const placed = fitSimilarity(mean.landmarks, detected);
  const { side } = mean;
  const places = applySimilarity(placed, mean.places);
  const size = Math.sqrt(pixels.length / 3);
  const crop = { data: pixels, width: size, height: size, channels: 3 };
  const colour = new Float64Array(3);
  const image = new Float32Array(4 * side * side);
  for (let n = 0; n < side * side; n++) {
    lookUp(crop, (places[3 * n] + 0.5) * size, (0.5 - places[3 * n + 1]) * size, colour);
    image.set(colour, 4 * n);
    image[4 * n + 3] = Math.min(1, Math.max(0, (facing(places, side, n) - FACING[0]) / (FACING[1] - FACING[0])));
  }
  return {
    image,
    shape: applySimilarity(fitSimilarity(detected, mean.landmarks), detected),
    rotation: Float32Array.from(placed.rotation),
  };
}

/** Cosine between the viewing axis and the normal at a texel, by differences to its neighbours. */
function facing(places: Float32Array, side: number, n: number): number {
  const [x, y] = [n % side, Math.floor(n / side)];
  const difference = (from: number, to: number) => [0, 1, 2].map((k) => places[3 * to + k] - places[3 * from + k]);
  const [ax, ay, az] = difference(n - Math.min(x, 1), n + Math.min(side - 1 - x, 1));
  const [bx, by, bz] = difference(n - side * Math.min(y, 1), n + side * Math.min(side - 1 - y, 1));
  // v points down the chart.
  const normal = [by * az - bz * ay, bz * ax - bx * az, bx * ay - by * ax];
  return normal[2] / Math.max(Math.hypot(...normal), 1e-12);
}

/**
 * Asks the model's encoder for the codes of a face.
 *
 * @param detected - `[468, 3]` landmarks as found in the image.
 * @returns nothing when the model has no encoder, or when it cannot be trusted with this face (or the landmarks are no numbers).
 */
export async function encodeFace(
  model: FaceModel,
  image: RgbaImage,
  detected: Float32Array,
  options: { signal?: AbortSignal } = {},
): Promise<CodeStart | undefined> {
  const { encoder } = model;
  if (!encoder || !detected.every(Number.isFinite)) return undefined;
  const mean = await loadMeanFace(model, encoder.side);
  const { geometry, expression, expectedErrorMm } = await encoder.encode(
    unwrapFace(cropFace(image, detected, CROP), mean),
    options,
  );
  if (!(expectedErrorMm <= MOST_EXPECTED_ERROR_MM)) return undefined;
  return { codes: Float64Array.from([...geometry, ...expression]), expectedErrorMm };
}
