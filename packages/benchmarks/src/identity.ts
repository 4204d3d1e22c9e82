import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RgbaImage } from '@implicit-faces/avatar';
import { IBUG68_FROM_468, type Landmarker } from '@implicit-faces/landmarks';
import { FaceError } from '@implicit-faces/runtime';
import { OnnxWriter } from '@implicit-faces/test-utils/onnx-writer';
import type * as Ort from 'onnxruntime-node';
import sharp from 'sharp';

/** What the network was trained on, 8-bit RGB. */
const MEAN = [122.782, 117.001, 104.298];
const SIDE = 150;
/** Of the landmarks' box, added to it as a whole. */
const PADDING = 0.2;

/**
 * A descriptor of who a face is, for measuring only: dlib's face recognition network in the port of face-api (MIT). Descriptors of one person are nearer to each other than 0.6 (Euclidean).
 */
export interface IdentityNetwork {
  /**
   * @param input - `[3, 150, 150]` RGB less its mean, over 255.
   * @returns `[128]`
   */
  run(input: Float32Array): Promise<Float32Array>;
  /**
   * The descriptor of the largest face of a picture.
   *
   * @throws FaceError `NO_FACE`.
   */
  describe(image: RgbaImage, landmarks: Landmarker): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Loads the network from its npm package, turned into an ONNX graph on the way. @throws FaceError `DATA` when the package is not installed. */
export async function loadIdentityNetwork(ort: typeof Ort): Promise<IdentityNetwork> {
  const session = await ort.InferenceSession.create(buildNetwork(await readWeights()), { intraOpNumThreads: 1 });
  const run = async (input: Float32Array) => {
    const { descriptor } = await session.run({ face: new ort.Tensor('float32', input, [1, 3, SIDE, SIDE]) });
    return Float32Array.from(descriptor.data as Float32Array);
  };
  return {
    run,
    describe: async (image, landmarks) => run(await cropFace(image, (await landmarks.detect(image)).points)),
    dispose: () => session.release(),
  };
}

export function identityDistance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((x, i) => x - b[i]));
}

/** The box of the 68 landmarks, padded, inside the picture, in the middle of a black square: what face-api does before its network. */
async function cropFace({ data, width, height }: RgbaImage, points: Float32Array): Promise<Float32Array> {
  const axis = (k: number) => IBUG68_FROM_468.map((index) => points[3 * index + k]);
  const bounds = [0, 1].map((k) => {
    const [low, high] = [Math.min(...axis(k)), Math.max(...axis(k))];
    const pad = ((high - low) * PADDING) / 2;
    const end = k === 0 ? width : height;
    return [Math.max(0, Math.round(low - pad)), Math.min(end, Math.round(high + pad))];
  });
  const [[left, right], [top, bottom]] = bounds;
  const bytes = await sharp(Buffer.from(data.buffer, data.byteOffset, data.length), {
    raw: { width, height, channels: 4 },
  })
    .removeAlpha()
    .extract({ left, top, width: right - left, height: bottom - top })
    .resize(SIDE, SIDE, { fit: 'contain', background: '#000', kernel: 'linear' })
    .raw()
    .toBuffer();
  return Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const channel = Math.floor(i / SIDE ** 2);
    return (bytes[3 * (i % SIDE ** 2) + channel] - MEAN[channel]) / 255;
  });
}

/** A layer's weights: convolution and scale as one. */
interface Weights {
  /** `[out, in, k, k]` */
  filters: Float32Array;
  dims: number[];
  /** `[out]` */
  bias: Float32Array;
}

type Take = (name: string) => { data: Float32Array; dims: number[] };

/** Reads the package's tensors: floats, or bytes with value = byte * scale + min. */
async function readWeights(): Promise<Take> {
  let manifest: { weights: { name: string; shape: number[]; quantization?: { scale: number; min: number } }[] }[];
  let bytes: Uint8Array;
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'model');
    manifest = JSON.parse(await readFile(join(folder, 'face_recognition_model-weights_manifest.json'), 'utf8'));
    bytes = await readFile(join(folder, 'face_recognition_model.bin'));
  } catch (cause) {
    throw new FaceError(
      'DATA',
      'loadIdentityNetwork: the model of @vladmandic/face-api cannot be read. Install the development dependencies (npm run build).',
      { cause },
    );
  }
  const tensors = new Map<string, { data: Float32Array; dims: number[] }>();
  let at = 0;
  for (const { name, shape, quantization } of manifest.flatMap(({ weights }) => weights)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const end = at + length * (quantization ? 1 : 4);
    const data = quantization
      ? Float32Array.from(bytes.subarray(at, end), (b) => b * quantization.scale + quantization.min)
      : new Float32Array(new Uint8Array(bytes.subarray(at, end)).buffer);
    tensors.set(name, { data, dims: shape });
    at = end;
  }
  return (name) => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new FaceError('DATA', `loadIdentityNetwork: the model should hold ${name}. Another version is installed.`);
    return tensor;
  };
}

/** TensorFlow's `[k, k, in, out]` to ONNX's `[out, in, k, k]`, with the scale layer folded in. */
function takeLayer(take: Take, prefix: string): Weights {
  const { data, dims } = take(`${prefix}/conv/filters`);
  const [height, width, ins, outs] = dims;
  const scale = take(`${prefix}/scale/weights`).data;
  const filters = new Float32Array(data.length);
  for (let k = 0; k < height * width; k++) {
    for (let i = 0; i < ins; i++) {
      for (let o = 0; o < outs; o++) {
        filters[(o * ins + i) * height * width + k] = data[(k * ins + i) * outs + o] * scale[o];
      }
    }
  }
  const shift = take(`${prefix}/scale/biases`).data;
  const bias = take(`${prefix}/conv/bias`).data.map((b, o) => b * scale[o] + shift[o]);
  return { filters, dims: [outs, ins, height, width], bias };
}

/** A residual network of 29 layers; where a block shrinks, its shortcut is the mean of four pixels with zeros for new channels. */
function buildNetwork(take: Take): Uint8Array {
  const writer = new OnnxWriter('@implicit-faces/benchmarks', 'identity');
  writer.input('face', [1, 3, SIDE, SIDE]);
  let size = SIDE;
  let channels = 3;
  const convolve = (x: string, prefix: string, stride: number): string => {
    const { filters, dims, bias } = takeLayer(take, prefix);
    const k = dims[2];
    const pad = stride === 1 ? (k - 1) / 2 : 0;
    return writer.node('Conv', [x, writer.float32(dims, filters), writer.float32([dims[0]], bias)], {
      kernel_shape: [k, k],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  const relu = (x: string) => writer.node('Relu', [x]);
  const block = (x: string, name: string, shrinks: boolean): string => {
    let out = convolve(relu(convolve(x, `${name}/conv1`, shrinks ? 2 : 1)), `${name}/conv2`, 1);
    let shortcut = x;
    if (shrinks) {
      const [pooled, convolved] = [Math.floor(size / 2), Math.floor((size - 3) / 2) + 1];
      shortcut = writer.node('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
      const more = pooled - convolved;
      if (more > 0) out = writer.node('Pad', [out, writer.int64([0, 0, 0, 0, 0, 0, more, more])]);
      const wider = take(`${name}/conv1/conv/filters`).dims[3] - channels;
      if (wider > 0) shortcut = writer.node('Pad', [shortcut, writer.int64([0, 0, 0, 0, 0, wider, 0, 0])]);
      size = pooled;
      channels += wider;
    }
    return relu(writer.node('Add', [shortcut, out]));
  };
  let x = relu(convolve('face', 'conv32_down', 2));
  x = writer.node('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
  size = 35;
  channels = 32;
  for (const name of [
    ...[
      'conv32_1',
      'conv32_2',
      'conv32_3',
      'conv64_down',
      'conv64_1',
      'conv64_2',
      'conv64_3',
      'conv128_down',
      'conv128_1',
    ],
    ...['conv128_2', 'conv256_down', 'conv256_1', 'conv256_2', 'conv256_down_out'],
  ]) {
    x = block(x, name, name.includes('down'));
  }
  const { data, dims } = take('fc');
  const flat = writer.node('Flatten', [writer.node('GlobalAveragePool', [x])]);
  writer.node('MatMul', [flat, writer.float32(dims, data)], {}, 'descriptor');
  writer.output('descriptor', [1, dims[1]]);
  return writer.finish();
}
