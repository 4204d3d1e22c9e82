import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** HardSwish arrived in opset 14; nothing here needs a later one. */
const OPSET = 14;
const IR_VERSION = 8;

const DATA_TYPE = { float32: 1, int64: 7, float16: 10 };
const ATTRIBUTE_TYPE = { int: 2, string: 3, ints: 7 };

export type OnnxAttribute = number | number[] | string;

/** A protobuf message, built field by field. The numbers are those of onnx.proto. */
class Message {
  private readonly writer = new BinaryWriter();

  /** int64, int32 or enum. */
  integer(field: number, ...values: number[]): this {
    for (const value of values) this.writer.tag(field, 0).int64(value);
    return this;
  }

  text(field: number, ...values: string[]): this {
    for (const value of values) this.writer.tag(field, 2).string(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.writer.tag(field, 2).bytes(value);
    return this;
  }

  messages(field: number, ...values: Message[]): this {
    for (const value of values) this.bytes(field, value.finish());
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.writer.finish());
  }
}

/** Collects nodes and constants in order and writes them as one ONNX file. */
export class OnnxWriter {
  private readonly nodes: Message[] = [];
  private readonly initializers: Message[] = [];
  private readonly inputs: Message[] = [];
  private readonly outputs: Message[] = [];
  private count = 0;

  constructor(
    private readonly producer: string,
    private readonly name: string,
  ) {}

  /** @param dims - a letter stands for any length. */
  input(name: string, dims: (number | string)[]): void {
    this.inputs.push(valueInfo(name, dims));
  }

  output(name: string, dims: (number | string)[]): void {
    this.outputs.push(valueInfo(name, dims));
  }

  /** Adds a node with one output and returns the output's name. */
  node(
    opType: string,
    inputs: string[],
    attributes: Record<string, OnnxAttribute> = {},
    output = this.fresh(opType),
  ): string {
    const node = new Message() // NodeProto: input, output, name, op_type, attribute
      .text(1, ...inputs)
      .text(2, output)
      .text(3, output)
      .text(4, opType)
      .messages(5, ...Object.entries(attributes).map(([name, value]) => attribute(name, value)));
    this.nodes.push(node);
    return output;
  }

  /** Stores float16 bits and returns their float32 value's name: the file stays half as large, the arithmetic does not change. */
  float16(dims: number[], bits: Uint16Array): string {
    return this.node('Cast', [this.initializer(dims, DATA_TYPE.float16, bits)], { to: DATA_TYPE.float32 });
  }

  float32(dims: number[], values: Float32Array): string {
    return this.initializer(dims, DATA_TYPE.float32, values);
  }

  int64(values: number[]): string {
    return this.initializer([values.length], DATA_TYPE.int64, new BigInt64Array(values.map(BigInt)));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const graph = new Message() // GraphProto: node, name, initializer, input, output
      .messages(1, ...this.nodes)
      .text(2, this.name)
      .messages(5, ...this.initializers)
      .messages(11, ...this.inputs)
      .messages(12, ...this.outputs);
    const opset = new Message().text(1, '').integer(2, OPSET); // OperatorSetIdProto: domain, version
    return new Message() // ModelProto: ir_version, producer_name, graph, opset_import
      .integer(1, IR_VERSION)
      .text(2, this.producer)
      .messages(7, graph)
      .messages(8, opset)
      .finish();
  }

  private initializer(dims: number[], dataType: number, values: Uint16Array | Float32Array | BigInt64Array): string {
    const name = this.fresh('constant');
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    // TensorProto: dims, data_type, name, raw_data
    this.initializers.push(
      new Message()
        .integer(1, ...dims)
        .integer(2, dataType)
        .text(8, name)
        .bytes(9, raw),
    );
    return name;
  }

  private fresh(stem: string): string {
    this.count += 1;
    return `${stem}_${this.count}`;
  }
}

function valueInfo(name: string, dims: (number | string)[]): Message {
  // TensorShapeProto.Dimension: dim_value, dim_param
  const dim = (size: number | string) =>
    typeof size === 'number' ? new Message().integer(1, size) : new Message().text(2, size);
  const shape = new Message().messages(1, ...dims.map(dim));
  const tensor = new Message().integer(1, DATA_TYPE.float32).messages(2, shape); // TypeProto.Tensor: elem_type, shape
  return new Message().text(1, name).messages(2, new Message().messages(1, tensor)); // ValueInfoProto: name, type
}

/** AttributeProto: name 1, i 3, s 4, ints 8, type 20. */
function attribute(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'string') return message.text(4, value).integer(20, ATTRIBUTE_TYPE.string);
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE_TYPE.int);
  return message.integer(8, ...value).integer(20, ATTRIBUTE_TYPE.ints);
}
