import { loadNetwork, type NetworkTensors } from '@implicit-faces/runtime';
import type { Codes, LoadSdfModelOptions } from '@implicit-faces/sdf-core';

/** What the encoder looks at: a face in a square window, upright along the eyes. Its frame has 0 in the middle and the sides at -0.5 and 0.5, x right, y up, z to the viewer. */
export interface EncoderInput {
  /** `[side, side, 3]` sRGB 0 to 1; the window's side is `ENCODER_MARGIN` times the extent of the landmarks. */
  picture: Float32Array;
  /** `[468, 3]` the landmarks, brought from the window onto those of the mean face by a similarity, metres. */
  shape: Float32Array;
  /** `[3, 4]` row-major: the similarity that takes the mean face, metres, to its place in the window. */
  placement: Float32Array;
}

/** What the encoder answered, for a second look: the codes, and the face that they make. The landmarks of `EncoderInput` are to that face's then: `shape` is what is left of them less those, `placement` its own. */
export interface AnsweredFace extends Codes {
  /** `[grid, grid, 3]` where it has the places that `Topology.encoder` names, less where the mean face has them, metres. */
  offsets: Float32Array;
}

/** What the encoder thinks of a face. */
export interface EncodedFace extends Codes {
  /** Root mean square of the distances between its face and the true one, vertex by vertex after a similarity, that it expects: millimetres. */
  expectedErrorMm: number;
}

/** A picture to codes in one pass. */
export interface Encoder {
  /** Side of the picture, pixels. */
  readonly side: number;

  /**
   * Guesses the codes of a face.
   *
   * @throws FaceError `SHAPE` for arrays of the wrong length.
   */
  encode(input: EncoderInput, options?: { signal?: AbortSignal }): Promise<EncodedFace>;

  /**
   * Betters an answer by a second look: cascaded regression (Dollar, Welinder and Perona 2010). Models may do without.
   *
   * @throws FaceError `SHAPE` for arrays of the wrong length.
   */
  refine?(input: EncoderInput, answered: AnsweredFace, options?: { signal?: AbortSignal }): Promise<EncodedFace>;

  /** Frees the networks. The encoder cannot be used any more. */
  dispose(): Promise<void>;
}

/** The encoder is loaded as the SDF is. */
export type LoadEncoderOptions = LoadSdfModelOptions;

/** Side of the encoder's window over the extent of the landmarks, as it was trained. */
export const ENCODER_MARGIN = 1.3;

/**
 * Loads a model's encoder, if it has one.
 *
 * @throws FaceError as `loadNetwork` of `@implicit-faces/runtime` does.
 */
export async function loadEncoder(options: LoadEncoderOptions): Promise<Encoder | undefined> {
  if (!Object.hasOwn(options.manifest.networks, 'encoder')) return undefined;
  const network = await loadNetwork({ ...options, name: 'encoder' });
  const again = Object.hasOwn(options.manifest.networks, 'encoderRefinement')
    ? await loadNetwork({ ...options, name: 'encoderRefinement' }).catch(async (error) => {
        await network.dispose();
        throw error;
      })
    : undefined;
  const { picture, shape } = network.spec.inputs;
  const [side, points] = [Number(picture.dims[1]), Number(shape.dims[1])];
  const feeds = (input: EncoderInput): NetworkTensors => ({
    picture: { data: input.picture, dims: [1, side, side, 3] },
    shape: { data: input.shape, dims: [1, points, 3] },
    placement: { data: input.placement, dims: [1, 3, 4] },
  });
  const answer = ({ geometry, expression, logVariance }: NetworkTensors): EncodedFace => ({
    geometry: geometry.data,
    expression: expression.data.map((weight) => Math.min(1, Math.max(0, weight))),
    expectedErrorMm: Math.exp(logVariance.data[0] / 2),
  });
  const encoder: Encoder = {
    side,
    encode: async (input, { signal } = {}) => answer(await network.run(feeds(input), { signal })),
    async dispose() {
      await Promise.all([network.dispose(), again?.dispose()]);
    },
  };
  if (again) {
    const grid = Number(again.spec.inputs.offsets.dims[1]);
    encoder.refine = async (input, { geometry, expression, offsets }, { signal } = {}) =>
      answer(
        await again.run(
          {
            ...feeds(input),
            offsets: { data: offsets, dims: [1, grid, grid, 3] },
            firstGeometry: { data: geometry, dims: [1, geometry.length] },
            firstExpression: { data: expression, dims: [1, expression.length] },
          },
          { signal },
        ),
      );
  }
  return encoder;
}
