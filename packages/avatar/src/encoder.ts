import { type Device, type Files, loadNetwork, type Manifest, type OrtRuntime } from '@implicit-faces/runtime';
import type { Codes } from '@implicit-faces/sdf-core';

/** What the encoder looks at. */
export interface EncoderInput {
  /**
   * `[side, side, 4]`, 0 to 1: the face unwrapped through the mean face, sRGB, and how well each texel is seen. `unwrapFace` of `@implicit-faces/inversion` makes it.
   */
  image: Float32Array;
  /** `[468, 3]` the landmarks brought onto those of the mean face by a similarity, metres. */
  shape: Float32Array;
  /** `[3, 3]` row-major: what turns the mean face's landmarks to the detected ones, glTF axes. */
  rotation: Float32Array;
}

/** What the encoder thinks of a face. */
export interface EncodedFace extends Codes {
  /** Root mean square of the distances between its face and the true one, vertex by vertex after a similarity, that it expects: millimetres. */
  expectedErrorMm: number;
}

/** A face to codes in one pass. */
export interface Encoder {
  /** Side of the unwrapped picture, texels. */
  readonly side: number;

  /**
   * Guesses the codes of a face.
   *
   * @throws FaceError `SHAPE` for arrays of the wrong length.
   */
  encode(input: EncoderInput, options?: { signal?: AbortSignal }): Promise<EncodedFace>;

  /** Frees the network. The encoder cannot be used any more. */
  dispose(): Promise<void>;
}

export interface LoadEncoderOptions {
  /** The imported `onnxruntime-node` or `onnxruntime-web`. */
  ort: OrtRuntime;
  files: Files;
  manifest: Manifest;
  device?: Device;
  /** Threads within one run, in Node. */
  threads?: number;
  signal?: AbortSignal;
}

/**
 * Loads a model's encoder, if it has one.
 *
 * @throws FaceError as `loadNetwork` of `@implicit-faces/runtime` does.
 */
export async function loadEncoder(options: LoadEncoderOptions): Promise<Encoder | undefined> {
  if (!Object.hasOwn(options.manifest.networks, 'encoder')) return undefined;
  const network = await loadNetwork({ ...options, name: 'encoder' });
  const { image, shape } = network.spec.inputs;
  const [side, points] = [Number(image.dims[1]), Number(shape.dims[1])];
  return {
    side,
    async encode(input, { signal } = {}) {
      const outputs = await network.run(
        {
          image: { data: input.image, dims: [1, side, side, 4] },
          shape: { data: input.shape, dims: [1, points, 3] },
          rotation: { data: input.rotation, dims: [1, 3, 3] },
        },
        { signal },
      );
      return {
        geometry: outputs.geometry.data,
        expression: outputs.expression.data.map((weight) => Math.min(1, Math.max(0, weight))),
        expectedErrorMm: Math.exp(outputs.logVariance.data[0] / 2),
      };
    },
    dispose: () => network.dispose(),
  };
}
