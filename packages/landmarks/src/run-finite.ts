import type { Network, NetworkTensors } from '@implicit-faces/runtime';
import { FaceError, type LandmarksErrorCode } from './errors.js';

/**
 * Shows a square picture `[side, side, 3]` to a network.
 *
 * @throws FaceError `NOT_FINITE` when it answers with NaN or infinity. Pictures are bytes, so that is the runtime's or the device's doing; a score of NaN would pass for no face, or for one.
 */
export async function runFinite(network: Network, picture: Float32Array, side: number): Promise<NetworkTensors> {
  const outputs = await network.run({ image: { data: picture, dims: [1, side, side, 3] } });
  for (const [name, { data }] of Object.entries(outputs)) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      throw new FaceError<LandmarksErrorCode>(
        'NOT_FINITE',
        `landmarks: the network ${network.name} answered ${data[at]} in ${name}, at ${at} of ${data.length}. Load it again, on another device or with another version of ONNX Runtime.`,
      );
    }
  }
  return outputs;
}
