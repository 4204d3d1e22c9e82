import {
  ENCODER_MARGIN,
  type EncodedFace,
  type EncoderInput,
  type FaceModel,
  type RgbaImage,
} from '@implicit-faces/avatar';
import { cropFace } from '@implicit-faces/landmarks';
import type { Codes } from '@implicit-faces/sdf-core';
import { checkFinite } from '../finite.js';
import { alignSimilarity, applySimilarity, type Similarity } from '../similarity.js';

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
 * Asks the model's encoder for the codes of a face, and to look again at its answer, if it can.
 *
 * @param detected - `[468, 3]` landmarks as found in the image.
 * @returns nothing when the model has no encoder, or when it cannot be trusted with this face (or the landmarks are no numbers).
 * @throws FaceError `NOT_FINITE` when the encoder's answer is none.
 */
export async function encodeFace(
  { manifest, uv, encoder }: Pick<FaceModel, 'manifest' | 'uv' | 'encoder'>,
  image: RgbaImage,
  detected: Float32Array,
  options: { signal?: AbortSignal } = {},
): Promise<CodeStart | undefined> {
  if (!encoder || !detected.every(Number.isFinite)) return undefined;
  const { pixels: picture, points } = cropFace(image, detected, { side: encoder.side, margin: ENCODER_MARGIN });
  // Pixels and depth in glTF's camera axes.
  const seen = points.map((value, i) => (i % 3 === 0 ? value : -value));
  const none: Codes = {
    geometry: new Float32Array(manifest.codes.geometry),
    expression: new Float32Array(manifest.codes.expression),
  };
  const { landmarks, encoder: places } = uv.topology;
  const inputFor = (face: Float32Array): EncoderInput => ({
    picture,
    shape: applySimilarity(alignSimilarity(seen, face), seen),
    placement: similarityMatrix(alignSimilarity(face, seen)),
  });
  const mean = await uv.surfaceFromUv(landmarks[468], none);
  let face = checked(await encoder.encode(inputFor(mean), options));
  if (encoder.refine && places) {
    const at = Float32Array.from([...places.landmarks, ...places.grid]);
    const usual = await uv.surfaceFromUv(at, none);
    const own = await uv.surfaceFromUv(at, face);
    const split = (places.landmarks.length / 2) * 3;
    const expected = own.subarray(0, split);
    const input = inputFor(expected);
    const shape = input.shape.map((value, i) => value - expected[i]);
    const offsets = own.subarray(split).map((value, i) => value - usual[split + i]);
    face = checked(await encoder.refine({ ...input, shape }, { ...face, offsets }, options));
  }
  const { geometry, expression, expectedErrorMm } = face;
  if (expectedErrorMm > MOST_EXPECTED_ERROR_MM) return undefined;
  return { codes: Float64Array.from([...geometry, ...expression]), expectedErrorMm };
}

function checked(face: EncodedFace): EncodedFace {
  checkFinite('encode', "the encoder's codes", [...face.geometry, ...face.expression]);
  checkFinite('encode', 'the error that it expects of them', [face.expectedErrorMm]);
  return face;
}

/** `[3, 4]`, row-major. */
function similarityMatrix({ scale, rotation, translation }: Similarity): Float32Array {
  return Float32Array.from({ length: 12 }, (_, i) => {
    const row = Math.floor(i / 4);
    return i % 4 === 3 ? translation[row] : scale * rotation[3 * row + (i % 4)];
  });
}
