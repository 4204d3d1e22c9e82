import type { Avatar, FaceModel } from '@implicit-faces/avatar';
import { bakeAlbedo, encodeSrgb } from '@implicit-faces/uv-param';

/** The face that all codes at zero mean, in soft light from above: something to see before an avatar is opened. */
export async function averageFace({ manifest, uv }: FaceModel): Promise<Avatar> {
  const { geometry, expression, texture } = manifest.codes;
  const size = 256;
  const expressionCode = new Float32Array(expression);
  const textureCode = new Float32Array(texture);
  const { data } = await bakeAlbedo(uv, textureCode, expressionCode, size);
  return {
    modelId: manifest.id,
    geometryCode: new Float32Array(geometry),
    expressionCode,
    textureCode,
    albedo: { data: encodeSrgb(data), width: size, height: size },
    camera: {
      cameraFromWorld: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -1, 1],
      focalLengthPx: 1000,
      principalPointPx: [128, 128],
    },
    // Rows: ambient, from above, from the front, from the subject's left; the rest none.
    lighting: Float32Array.from({ length: 27 }, (_, i) => [2.6, 0.7, 0.9, 0.5][Math.floor(i / 3)] ?? 0),
  };
}
