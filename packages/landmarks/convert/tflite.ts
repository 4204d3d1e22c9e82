import { ByteBuffer } from 'flatbuffers';

/** A tensor of a TFLite graph. `data` holds the raw little-endian bytes of a constant and is absent for activations. */
export interface TfliteTensor {
  name: string;
  shape: number[];
  type: TfliteType;
  data?: Uint8Array;
}

export type TfliteType = 'float32' | 'float16' | 'int32';

export type Padding = 'SAME' | 'VALID';

/** The options of every operator we know, merged; an operator carries those of its own kind. */
export interface TfliteOptions {
  padding: Padding;
  /** Height, width. */
  stride: [number, number];
  /** Height, width. */
  dilation: [number, number];
  /** Height, width of a pooling window. */
  window: [number, number];
  axis: number;
}

export interface TfliteOperator {
  /** Builtin name such as `CONV_2D`, or the custom operator's own name. */
  kind: string;
  /** Tensor indices; -1 marks an absent optional input. */
  inputs: number[];
  outputs: number[];
  options: Partial<TfliteOptions>;
}

export interface TfliteGraph {
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: number[];
  outputs: number[];
}

const TYPES: Record<number, TfliteType> = { 0: 'float32', 1: 'float16', 2: 'int32' };
const PADDINGS: Record<number, Padding> = { 0: 'SAME', 1: 'VALID' };

/** The builtin operator codes that these networks use (tensorflow/lite/schema/schema.fbs, enum BuiltinOperator). */
const BUILTINS: Record<number, string> = {
  0: 'ADD',
  1: 'AVERAGE_POOL_2D',
  2: 'CONCATENATION',
  3: 'CONV_2D',
  4: 'DEPTHWISE_CONV_2D',
  6: 'DEQUANTIZE',
  14: 'LOGISTIC',
  17: 'MAX_POOL_2D',
  18: 'MUL',
  19: 'RELU',
  22: 'RESHAPE',
  23: 'RESIZE_BILINEAR',
  32: 'CUSTOM',
  34: 'PAD',
  40: 'MEAN',
  54: 'PRELU',
  117: 'HARD_SWISH',
};

/** A flatbuffer table: fields are found by their position in the schema. */
class Table {
  constructor(
    private readonly buffer: ByteBuffer,
    private readonly position: number,
  ) {}

  private field(index: number): number {
    const offset = this.buffer.__offset(this.position, 4 + 2 * index);
    return offset === 0 ? 0 : this.position + offset;
  }

  int8(index: number, fallback = 0): number {
    const at = this.field(index);
    return at === 0 ? fallback : this.buffer.readInt8(at);
  }

  int32(index: number, fallback = 0): number {
    const at = this.field(index);
    return at === 0 ? fallback : this.buffer.readInt32(at);
  }

  string(index: number): string {
    const at = this.field(index);
    return at === 0 ? '' : String(this.buffer.__string(at));
  }

  table(index: number): Table | undefined {
    const at = this.field(index);
    return at === 0 ? undefined : new Table(this.buffer, this.buffer.__indirect(at));
  }

  tables(index: number): Table[] {
    return this.elements(index, 4, (at) => new Table(this.buffer, this.buffer.__indirect(at)));
  }

  int32s(index: number): number[] {
    return this.elements(index, 4, (at) => this.buffer.readInt32(at));
  }

  bytes(index: number): Uint8Array | undefined {
    const at = this.field(index);
    if (at === 0) return undefined;
    const start = this.buffer.__vector(at);
    return this.buffer.bytes().subarray(start, start + this.buffer.__vector_len(at));
  }

  private elements<T>(index: number, stride: number, read: (at: number) => T): T[] {
    const at = this.field(index);
    if (at === 0) return [];
    const start = this.buffer.__vector(at);
    return Array.from({ length: this.buffer.__vector_len(at) }, (_, i) => read(start + i * stride));
  }
}

/** Reads an enum value by its number, naming the number when it is none of ours. */
function known<T>(values: Record<number, T>, value: number, what: string): T {
  const found = values[value];
  if (found === undefined) throw new Error(`readTflite: ${what} ${value} is not one that this converter knows.`);
  return found;
}

/** Custom operators pack TfLitePadding (1 SAME, 2 VALID), stride width, stride height as three int32. */
function readTransposeConvOptions(bytes: Uint8Array): Partial<TfliteOptions> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const padding = known<Padding>({ 1: 'SAME', 2: 'VALID' }, view.getInt32(0, true), 'custom padding');
  return { padding, stride: [view.getInt32(8, true), view.getInt32(4, true)] };
}

/** Reads the options table of one builtin operator; field positions are those of schema.fbs. */
function readOptions(kind: string, table: Table | undefined): Partial<TfliteOptions> {
  if (!table) return {};
  // None of the networks fuses an activation into another operator, so the converter need not know how to unfuse one.
  const expect = (index: number, value: number, what: string) => {
    if (table.int8(index) !== value)
      throw new Error(`readTflite: ${kind} should have ${what} ${value}; received ${table.int8(index)}.`);
  };
  const padding = () => known(PADDINGS, table.int8(0), 'padding');
  const stride = (): [number, number] => [table.int32(2), table.int32(1)];
  switch (kind) {
    case 'CONV_2D':
      expect(3, 0, 'fused activation');
      return { padding: padding(), stride: stride(), dilation: [table.int32(5, 1), table.int32(4, 1)] };
    case 'DEPTHWISE_CONV_2D':
      expect(4, 0, 'fused activation');
      return { padding: padding(), stride: stride(), dilation: [table.int32(6, 1), table.int32(5, 1)] };
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
      expect(5, 0, 'fused activation');
      return { padding: padding(), stride: stride(), window: [table.int32(4), table.int32(3)] };
    case 'ADD':
    case 'MUL':
      expect(0, 0, 'fused activation');
      return {};
    case 'CONCATENATION':
      expect(1, 0, 'fused activation');
      return { axis: table.int32(0) };
    case 'RESIZE_BILINEAR':
      expect(2, 0, 'align_corners');
      expect(3, 1, 'half_pixel_centers');
      return {};
    case 'MEAN':
      expect(0, 1, 'keep_dims');
      return {};
    default:
      return {};
  }
}

/**
 * Reads the first subgraph of a TFLite flatbuffer.
 *
 * @param bytes - A `.tflite` file.
 * @throws Error when the file is not TFLite or uses an operator, type or option that is not listed here.
 * @see tensorflow/lite/schema/schema.fbs, from which the field positions are taken.
 */
export function readTflite(bytes: Uint8Array): TfliteGraph {
  const buffer = new ByteBuffer(bytes);
  if (!buffer.__has_identifier('TFL3')) throw new Error('readTflite: expected a TFLite file (identifier TFL3).');
  const model = new Table(buffer, buffer.readInt32(0));
  const subgraph = model.tables(2)[0];
  if (!subgraph) throw new Error('readTflite: the file has no subgraph.');
  const buffers = model.tables(4).map((table) => table.bytes(0));
  const codes = model.tables(1).map((table) => {
    const kind = known(BUILTINS, Math.max(table.int8(0), table.int32(3)), 'operator');
    return { kind, custom: table.string(1) };
  });

  const tensors = subgraph.tables(0).map((table) => {
    const type = known(TYPES, table.int8(1), 'tensor type');
    const data = buffers[table.int32(2)];
    const tensor: TfliteTensor = { name: table.string(3), shape: table.int32s(0), type };
    return data && data.length > 0 ? { ...tensor, data } : tensor;
  });

  const operators = subgraph.tables(3).map((table) => {
    const code = codes[table.int32(0)];
    if (!code) throw new Error('readTflite: an operator refers to a code that is not there.');
    const custom = code.kind === 'CUSTOM';
    return {
      kind: custom ? code.custom : code.kind,
      inputs: table.int32s(1),
      outputs: table.int32s(2),
      options: custom
        ? readTransposeConvOptions(table.bytes(5) ?? new Uint8Array())
        : readOptions(code.kind, table.table(4)),
    };
  });

  return { tensors, operators, inputs: subgraph.int32s(1), outputs: subgraph.int32s(2) };
}
