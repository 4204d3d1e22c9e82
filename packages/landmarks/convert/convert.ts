import { OnnxWriter } from '@implicit-faces/test-utils/onnx-writer';
import type { Padding, TfliteGraph, TfliteOperator, TfliteTensor } from './tflite.js';

/** What to call the inputs and outputs of the ONNX file, in the order of the TFLite graph's. */
export interface ConvertOptions {
  name: string;
  inputs: string[];
  outputs: string[];
}

/**
 * Converts a float16 TFLite network to ONNX with the same inputs and outputs (`[1, H, W, C]`, float32).
 *
 * Inside, feature maps are kept as `[1, C, H, W]`, which is what ONNX convolutions take, so constants are laid out anew here and only
 * the graph's ends and its reshapes get a Transpose.
 *
 * @throws Error when the graph holds an operator or a layout that this converter does not know.
 */
export function convertTflite(graph: TfliteGraph, { name, inputs, outputs }: ConvertOptions): Uint8Array {
  const conversion = new Conversion(graph, new OnnxWriter('@implicit-faces/landmarks', name));
  graph.inputs.forEach((index, i) => conversion.input(index, inputs[i]));
  for (const operator of graph.operators) conversion.operator(operator);
  graph.outputs.forEach((index, i) => conversion.output(index, outputs[i]));
  return conversion.writer.finish();
}

class Conversion {
  /** ONNX names of the activations; those of rank 4 are `[1, C, H, W]`. */
  private readonly values = new Map<number, string>();
  /** Constant behind each DEQUANTIZE output. */
  private readonly weights = new Map<number, TfliteTensor>();

  constructor(
    private readonly graph: TfliteGraph,
    readonly writer: OnnxWriter,
  ) {}

  input(index: number, name: string): void {
    this.writer.input(name, this.tensor(index).shape);
    this.values.set(index, this.writer.node('Transpose', [name], { perm: [0, 3, 1, 2] }));
  }

  output(index: number, name: string): void {
    this.writer.output(name, this.tensor(index).shape);
    this.writer.node('Identity', [this.rowMajor(index)], {}, name);
  }

  operator({ kind, inputs, outputs, options }: TfliteOperator): void {
    const [first, second, third] = inputs;
    const result = outputs[0];
    const set = (op: string, names: string[], attributes = {}) =>
      this.values.set(result, this.writer.node(op, names, attributes));
    const inShape = this.tensor(first).shape;

    switch (kind) {
      case 'DEQUANTIZE':
        this.weights.set(result, this.tensor(first));
        return;
      case 'CONV_2D':
      case 'DEPTHWISE_CONV_2D': {
        const depthwise = kind === 'DEPTHWISE_CONV_2D';
        const [, height, width] = this.tensor(second).shape;
        const dilation = options.dilation ?? [1, 1];
        const stride = options.stride ?? [1, 1];
        const extent: [number, number] = [(height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1];
        // [out, h, w, in] -> [out, in, h, w]; depthwise [1, h, w, out] -> [out, 1, h, w]
        const kernel = this.constant(second, depthwise ? [3, 0, 1, 2] : [0, 3, 1, 2]);
        set('Conv', [this.value(first), kernel, this.constant(third)], {
          kernel_shape: [height, width],
          strides: stride,
          dilations: dilation,
          pads: explicitPads(options.padding, inShape, extent, stride),
          group: depthwise ? inShape[3] : 1,
        });
        return;
      }
      case 'Convolution2DTransposeBias': {
        const [, height, width] = this.tensor(second).shape;
        const stride = options.stride ?? [1, 1];
        if (height !== stride[0] || width !== stride[1]) {
          throw new Error(
            `convertTflite: a transposed convolution should not overlap; received ${height}x${width} at stride ${stride}.`,
          );
        }
        // [out, h, w, in] -> [in, out, h, w]
        set('ConvTranspose', [this.value(first), this.constant(second, [3, 0, 1, 2]), this.constant(third)], {
          kernel_shape: [height, width],
          strides: stride,
        });
        return;
      }
      case 'MAX_POOL_2D':
      case 'AVERAGE_POOL_2D': {
        const window = options.window ?? [1, 1];
        const stride = options.stride ?? [1, 1];
        const pads = explicitPads(options.padding, inShape, window, stride);
        set(kind === 'MAX_POOL_2D' ? 'MaxPool' : 'AveragePool', [this.value(first)], {
          kernel_shape: window,
          strides: stride,
          pads,
        });
        return;
      }
      case 'MEAN':
        if (this.integers(second).join() !== '1,2')
          throw new Error('convertTflite: MEAN should be over height and width.');
        set('GlobalAveragePool', [this.value(first)]);
        return;
      case 'PRELU':
        set('PRelu', [this.value(first), this.constant(second, [2, 0, 1])]); // [1, 1, c] -> [c, 1, 1]
        return;
      case 'PAD': {
        const pads = this.integers(second); // [4, 2] rows n, h, w, c
        const order = [0, 3, 1, 2];
        const ends = [0, 1].flatMap((end) => order.map((axis) => pads[2 * axis + end]));
        set('Pad', [this.value(first), this.writer.int64(ends)]);
        return;
      }
      case 'RESIZE_BILINEAR': {
        const [, height, width, channels] = this.tensor(result).shape;
        set('Resize', [this.value(first), '', '', this.writer.int64([1, channels, height, width])], {
          mode: 'linear',
          coordinate_transformation_mode: 'half_pixel',
        });
        return;
      }
      case 'RESHAPE':
        if (this.tensor(result).shape.length === 4)
          throw new Error('convertTflite: RESHAPE should leave the image layout.');
        set('Reshape', [this.rowMajor(first), this.writer.int64(this.tensor(result).shape)]);
        return;
      case 'CONCATENATION':
        if (inShape.length === 4) throw new Error('convertTflite: CONCATENATION of feature maps is not known.');
        set(
          'Concat',
          inputs.map((index) => this.value(index)),
          { axis: options.axis ?? 0 },
        );
        return;
      case 'ADD':
        set('Add', [this.value(first), this.value(second)]);
        return;
      case 'MUL':
        set('Mul', [this.value(first), this.value(second)]);
        return;
      case 'RELU':
        set('Relu', [this.value(first)]);
        return;
      case 'LOGISTIC':
        set('Sigmoid', [this.value(first)]);
        return;
      case 'HARD_SWISH':
        set('HardSwish', [this.value(first)]);
        return;
      default:
        throw new Error(`convertTflite: operator ${kind} is not one that this converter knows.`);
    }
  }

  private tensor(index: number): TfliteTensor {
    const tensor = this.graph.tensors[index];
    if (!tensor) throw new Error(`convertTflite: tensor ${index} is not there.`);
    return tensor;
  }

  private value(index: number): string {
    const name = this.values.get(index);
    if (name === undefined)
      throw new Error(`convertTflite: tensor ${this.tensor(index).name} is used before it is made.`);
    return name;
  }

  /** The value in TFLite's own axis order. */
  private rowMajor(index: number): string {
    const name = this.value(index);
    return this.tensor(index).shape.length === 4 ? this.writer.node('Transpose', [name], { perm: [0, 2, 3, 1] }) : name;
  }

  private constant(index: number, permutation?: number[]): string {
    const source = this.weights.get(index);
    if (!source?.data || source.type !== 'float16')
      throw new Error('convertTflite: weights should be float16 behind DEQUANTIZE.');
    const bits = new Uint16Array(source.data.slice().buffer);
    if (!permutation) return this.writer.float16(source.shape, bits);
    return this.writer.float16(
      permutation.map((axis) => source.shape[axis]),
      permute(bits, source.shape, permutation),
    );
  }

  private integers(index: number): number[] {
    const { data, name } = this.tensor(index);
    if (!data) throw new Error(`convertTflite: ${name} should be a constant.`);
    return [...new Int32Array(data.slice().buffer)];
  }
}

/** ONNX pads [top, left, bottom, right] for TFLite's padding; an odd pixel goes to the bottom or right. */
function explicitPads(
  padding: Padding | undefined,
  shape: number[],
  extent: [number, number],
  stride: [number, number],
): number[] {
  if (padding !== 'SAME') return [0, 0, 0, 0];
  const totals = [0, 1].map((axis) => {
    const size = shape[axis + 1];
    const step = stride[axis];
    return Math.max((Math.ceil(size / step) - 1) * step + extent[axis] - size, 0);
  });
  const begins = totals.map((total) => Math.floor(total / 2));
  return [...begins, ...totals.map((total, axis) => total - begins[axis])];
}

/** Reorders a row-major array so that axis `i` of the result is axis `permutation[i]` of the source. */
function permute(values: Uint16Array, shape: number[], permutation: number[]): Uint16Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = permutation.map((axis) => shape[axis]);
  const steps = permutation.map((axis) => strides[axis]);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const size = sizes[axis];
      from += (rest % size) * steps[axis];
      rest = Math.floor(rest / size);
    }
    out[i] = values[from];
  }
  return out;
}
