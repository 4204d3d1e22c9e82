import type { FaceModel } from '@implicit-faces/avatar';
import { alignSimilarity, applySimilarity, encodeFace } from '@implicit-faces/inversion';
import { isFaceError, type Landmarker } from '@implicit-faces/landmarks';
import { type FaceKit, NARROW_FACE_END } from './face-kit.js';
import { median } from './statistics.js';
import type { PortraitGenerator } from './synthetic/portrait.js';
import { distancesBetween } from './vectors.js';

export interface EncoderFigures {
  /** Over the portraits, the median of each face's median distance between corresponding vertices of the encoder's face and the true one, both at rest, metres; of the mean face where the encoder did not trust itself. */
  median: number;
  /** The same for the mean face alone. */
  meanHeadMedian: number;
  /** Share of the portraits in which a face was found and the encoder trusted itself. */
  trustedShare: number;
}

export interface MeasureEncoderOptions {
  portraits?: number;
  seed?: number;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

const PORTRAITS = 48;
const FIRST_SEED = 4_000_000;
/** As large as the encoder's own crop is sharp. */
const SIZE = 384;

/**
 * What the encoder alone makes of portraits of people that training has not seen, with the landmarks that the product's own network finds in them.
 *
 * @returns nothing when the model has no encoder.
 */
export async function measureEncoder(
  model: Pick<FaceModel, 'manifest' | 'uv' | 'encoder'>,
  landmarks: Landmarker,
  generator: PortraitGenerator,
  options: MeasureEncoderOptions = {},
): Promise<EncoderFigures | undefined> {
  if (!model.encoder) return undefined;
  const { signal, onProgress, portraits = PORTRAITS, seed = FIRST_SEED } = options;
  const { kit } = generator;
  const medians: number[] = [];
  const meanHead: number[] = [];
  let trusted = 0;
  for (let i = 0; i < portraits; i++) {
    signal?.throwIfAborted();
    const { image, geometry } = generator.create(seed + i, { size: SIZE });
    const truth = narrowFaceAtRest(kit, geometry);
    const found = await landmarks.detect(image, { signal }).catch((error) => {
      if (isFaceError(error, 'NO_FACE')) return undefined;
      throw error;
    });
    const encoded = found && (await encodeFace(model, image, found.points, { signal }));
    if (encoded) trusted++;
    const mean = medianVertexError(kit.neutral.subarray(0, truth.length), truth);
    medians.push(
      encoded
        ? medianVertexError(
            narrowFaceAtRest(kit, Float32Array.from(encoded.codes.subarray(0, kit.identityCount))),
            truth,
          )
        : mean,
    );
    meanHead.push(mean);
    onProgress?.((i + 1) / portraits);
  }
  return { median: median(medians), meanHeadMedian: median(meanHead), trustedShare: trusted / portraits };
}

/** The generator's narrow face with an identity and no expression, metres. */
function narrowFaceAtRest(kit: FaceKit, identity: Float32Array): Float32Array {
  return kit.pose(identity, new Float32Array(kit.expressionNames.length)).subarray(0, 3 * NARROW_FACE_END);
}

/** The median distance of corresponding points, after the similarity that brings them nearest. */
export function medianVertexError(found: Float32Array, truth: Float32Array): number {
  return median(distancesBetween(applySimilarity(alignSimilarity(found, truth), found), truth));
}
