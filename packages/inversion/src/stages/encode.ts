import { ENCODER_MARGIN, type EncoderInput, type FaceModel, type RgbaImage } from '@implicit-faces/avatar';
import { cropFace } from '@implicit-faces/landmarks';
import { type FaceMirror, findFaceMirror } from '../face-mirror.js';
import { alignSimilarity, applySimilarity, type Similarity } from '../similarity.js';
import { loadSurfaceSamples } from '../surface-samples.js';

/** What is believed of the codes before anything is compared with the photo. */
export interface CodeStart {
  /** `[Dg + De]` */
  codes: Float64Array;
  /** Root mean square of vertex distances to the true face that the encoder expects, millimetres. */
  expectedErrorMm: number;
}

/** Beyond this the encoder's own guess of its error says that it has not seen the like: the mean face is about as far off. */
export const MOST_EXPECTED_ERROR_MM = 4.5;

/**
 * Asks the model's encoder for the codes of a face: of the picture and of its mirror image, whose codes, mirrored back, are wrong in part by chance. Their mean is 2 % nearer to
 * the truth (786 portraits).
 *
 * @param detected - `[468, 3]` landmarks as found in the image.
 * @returns nothing when the model has no encoder, or when it cannot be trusted with this face (or the landmarks are no numbers).
 */
export async function encodeFace(
  model: Pick<FaceModel, 'manifest' | 'uv' | 'encoder'>,
  image: RgbaImage,
  detected: Float32Array,
  options: { signal?: AbortSignal } = {},
): Promise<CodeStart | undefined> {
  const { manifest, uv, encoder } = model;
  if (!encoder || !detected.every(Number.isFinite)) return undefined;
  const { pixels, points } = cropFace(image, detected, { side: encoder.side, margin: ENCODER_MARGIN });
  // Pixels and depth in glTF's camera axes.
  const seen = points.map((value, i) => (i % 3 === 0 ? value : -value));
  const landmarks = await loadSurfaceSamples(model, uv.topology.landmarks[468]);
  const mean = landmarks.origin;
  const input: EncoderInput = {
    picture: pixels,
    shape: applySimilarity(alignSimilarity(seen, mean), seen),
    placement: similarityMatrix(alignSimilarity(mean, seen)),
  };
  const { geometry, expression, expectedErrorMm } = await encoder.encode(input, options);
  if (!(expectedErrorMm <= MOST_EXPECTED_ERROR_MM)) return undefined;
  const codes = Float64Array.from([...geometry, ...expression]);
  const mirror = findFaceMirror(landmarks, manifest.expressionNames);
  if (!mirror) return { codes, expectedErrorMm };
  const other = await encoder.encode(mirrorInput(input, mirror, encoder.side), options);
  const back = mirror.mirrorCodes([...other.geometry, ...other.expression]);
  return { codes: codes.map((code, k) => (code + back[k]) / 2), expectedErrorMm };
}

/** What the encoder would be shown of the picture's mirror image. */
function mirrorInput({ picture, shape, placement }: EncoderInput, mirror: FaceMirror, side: number): EncoderInput {
  const mirrored = new Float32Array(picture.length);
  for (let from = 0; from < picture.length; from += 3) {
    const x = (from / 3) % side;
    mirrored.set(picture.subarray(from, from + 3), from + 3 * (side - 1 - 2 * x));
  }
  return {
    picture: mirrored,
    shape: mirror.mirrorPoints(shape),
    // Axes are mirrored on both sides: what takes one of the two x to or from another axis changes its sign.
    placement: placement.map((value, i) => (i < 4 === (i % 4 === 0) ? value : -value)),
  };
}

/** `[3, 4]`, row-major. */
function similarityMatrix({ scale, rotation, translation }: Similarity): Float32Array {
  return Float32Array.from({ length: 12 }, (_, i) => {
    const row = Math.floor(i / 4);
    return i % 4 === 3 ? translation[row] : scale * rotation[3 * row + (i % 4)];
  });
}
