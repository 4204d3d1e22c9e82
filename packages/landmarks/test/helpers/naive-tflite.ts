import type { TfliteGraph, TfliteOperator, TfliteTensor } from '../../convert/tflite.js';

// A second, slow reading of what TFLite's operators mean, in its own layout [n, h, w, c] and by plain loops. It shares nothing with the
// converter but the reader of the file.

interface Value {
  shape: number[];
  data: Float32Array;
}

/** Runs a TFLite graph on one input. */
export function runNaive(graph: TfliteGraph, input: Float32Array): Float32Array[] {
  const values = new Map<number, Value>();
  values.set(graph.inputs[0], { shape: graph.tensors[graph.inputs[0]].shape, data: input });
  for (const operator of graph.operators) {
    const output = operator.outputs[0];
    const { shape } = graph.tensors[output];
    values.set(output, { shape, data: evaluate(graph, operator, values, shape) });
  }
  return graph.outputs.map((index) => values.get(index)!.data);
}

function evaluate(
  graph: TfliteGraph,
  operator: TfliteOperator,
  values: Map<number, Value>,
  shape: number[],
): Float32Array {
  const { kind, options } = operator;
  if (kind === 'DEQUANTIZE') return halfToFloat(graph.tensors[operator.inputs[0]]);
  const [a, b, c] = operator.inputs.map((index) => values.get(index)!);
  const out = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const stride = options.stride ?? [1, 1];
  switch (kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D': {
      const [, kh, kw] = b.shape;
      const depthwise = kind === 'DEPTHWISE_CONV_2D';
      eachWindow(a, shape, [kh, kw], stride, options.padding === 'SAME', (at, taps) => {
        for (let o = 0; o < shape[3]; o++) {
          let sum = c.data[o];
          for (const [tap, from] of taps) {
            if (depthwise) sum += a.data[from + o] * b.data[tap * shape[3] + o];
            else
              for (let i = 0; i < a.shape[3]; i++)
                sum += a.data[from + i] * b.data[(o * kh * kw + tap) * a.shape[3] + i];
          }
          out[at + o] = sum;
        }
      });
      return out;
    }
    case 'Convolution2DTransposeBias': {
      const [outputs, kh, kw, inputs] = b.shape;
      for (let i = 0; i < out.length; i++) out[i] = c.data[i % outputs];
      for (let y = 0; y < a.shape[1]; y++)
        for (let x = 0; x < a.shape[2]; x++)
          for (let ky = 0; ky < kh; ky++)
            for (let kx = 0; kx < kw; kx++)
              for (let o = 0; o < outputs; o++)
                for (let i = 0; i < inputs; i++) {
                  const to = ((y * stride[0] + ky) * shape[2] + x * stride[1] + kx) * outputs + o;
                  out[to] += a.data[(y * a.shape[2] + x) * inputs + i] * b.data[((o * kh + ky) * kw + kx) * inputs + i];
                }
      return out;
    }
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
      eachWindow(a, shape, options.window!, stride, options.padding === 'SAME', (at, taps) => {
        for (let o = 0; o < shape[3]; o++) {
          const inside = taps.map(([, from]) => a.data[from + o]);
          const sum = inside.reduce((total, value) => total + value, 0);
          out[at + o] = kind === 'MAX_POOL_2D' ? inside.reduce((x, y) => Math.max(x, y)) : sum / inside.length;
        }
      });
      return out;
    case 'PAD': {
      const [, top, left, front] = pairs(graph.tensors[operator.inputs[1]]);
      for (let y = 0; y < a.shape[1]; y++)
        for (let x = 0; x < a.shape[2]; x++)
          for (let i = 0; i < a.shape[3]; i++)
            out[((y + top) * shape[2] + x + left) * shape[3] + front + i] =
              a.data[(y * a.shape[2] + x) * a.shape[3] + i];
      return out;
    }
    case 'RESIZE_BILINEAR': {
      const position = (i: number, axis: number) => {
        const at = Math.max(((i + 0.5) * a.shape[axis]) / shape[axis] - 0.5, 0);
        const low = Math.min(Math.floor(at), a.shape[axis] - 1);
        return { low, high: Math.min(low + 1, a.shape[axis] - 1), part: at - low };
      };
      for (let y = 0; y < shape[1]; y++)
        for (let x = 0; x < shape[2]; x++)
          for (let i = 0; i < shape[3]; i++) {
            const v = position(y, 1);
            const u = position(x, 2);
            const get = (row: number, column: number) => a.data[(row * a.shape[2] + column) * shape[3] + i];
            const upper = get(v.low, u.low) * (1 - u.part) + get(v.low, u.high) * u.part;
            const lower = get(v.high, u.low) * (1 - u.part) + get(v.high, u.high) * u.part;
            out[(y * shape[2] + x) * shape[3] + i] = upper * (1 - v.part) + lower * v.part;
          }
      return out;
    }
    case 'PRELU':
      return out.map((_, i) => a.data[i] * (a.data[i] < 0 ? b.data[i % b.data.length] : 1));
    case 'ADD':
      return out.map((_, i) => a.data[i] + b.data[i]);
    case 'MUL': // b is as large as a, or one number per channel
      return out.map((_, i) => a.data[i] * b.data[i % b.data.length]);
    case 'RELU':
      return out.map((_, i) => Math.max(a.data[i], 0));
    case 'LOGISTIC':
      return out.map((_, i) => 1 / (1 + Math.exp(-a.data[i])));
    case 'HARD_SWISH':
      return out.map((_, i) => (a.data[i] * Math.min(Math.max(a.data[i] + 3, 0), 6)) / 6);
    case 'RESHAPE':
      return a.data;
    case 'CONCATENATION': // [1, n, c] joined along n
      out.set(a.data);
      out.set(b.data, a.data.length);
      return out;
    default:
      throw new Error(`runNaive: ${kind} is not known.`);
  }
}

/** Calls back for each output pixel with the taps of its window that lie inside: [index in the window, offset in the input]. */
function eachWindow(
  input: Value,
  shape: number[],
  [kh, kw]: [number, number] | number[],
  [sy, sx]: [number, number],
  same: boolean,
  visit: (at: number, taps: [number, number][]) => void,
): void {
  const [, height, width, channels] = input.shape;
  const before = (size: number, length: number, kernel: number, step: number) =>
    same ? Math.floor(Math.max((length - 1) * step + kernel - size, 0) / 2) : 0;
  const top = before(height, shape[1], kh, sy);
  const left = before(width, shape[2], kw, sx);
  for (let y = 0; y < shape[1]; y++)
    for (let x = 0; x < shape[2]; x++) {
      const taps: [number, number][] = [];
      for (let ky = 0; ky < kh; ky++)
        for (let kx = 0; kx < kw; kx++) {
          const row = y * sy + ky - top;
          const column = x * sx + kx - left;
          if (row < 0 || column < 0 || row >= height || column >= width) continue;
          taps.push([ky * kw + kx, (row * width + column) * channels]);
        }
      visit((y * shape[2] + x) * shape[3], taps);
    }
}

/** First column of an int32 [n, 2] constant. */
function pairs({ data }: TfliteTensor): number[] {
  const values = new Int32Array(data!.slice().buffer);
  return [...values].filter((_, i) => i % 2 === 0);
}

function halfToFloat({ data }: TfliteTensor): Float32Array {
  return Float32Array.from(new Uint16Array(data!.slice().buffer), (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  });
}
