import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

/** HardSwish arrived in opset 14; nothing here needs a later one. */
const OPSET = 14;
const IR_VERSION = 8;

export type OnnxAttribute = number | number[] | string;

/** Collects nodes and constants in order and writes them as one ONNX file. */
export class OnnxWriter {
  private readonly nodes: InstanceType<typeof onnx.NodeProto>[] = [];
  private readonly initializers: InstanceType<typeof onnx.TensorProto>[] = [];
  private readonly inputs: InstanceType<typeof onnx.ValueInfoProto>[] = [];
  private readonly outputs: InstanceType<typeof onnx.ValueInfoProto>[] = [];
  private count = 0;

  constructor(private readonly name: string) {}

  input(name: string, dims: number[]): void {
    this.inputs.push(valueInfo(name, dims));
  }

  output(name: string, dims: number[]): void {
    this.outputs.push(valueInfo(name, dims));
  }

  /** Adds a node with one output and returns the output's name. */
  node(
    opType: string,
    input: string[],
    attributes: Record<string, OnnxAttribute> = {},
    output = this.fresh(opType),
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) => toAttribute(name, value));
    this.nodes.push(onnx.NodeProto.create({ opType, input, output: [output], name: output, attribute }));
    return output;
  }

  /** Stores float16 bits and returns their float32 value's name: the file stays half as large, the arithmetic does not change. */
  float16(dims: number[], bits: Uint16Array): string {
    const name = this.initializer(dims, onnx.TensorProto.DataType.FLOAT16, bits);
    return this.node('Cast', [name], { to: onnx.TensorProto.DataType.FLOAT });
  }

  int64(values: number[]): string {
    return this.initializer([values.length], onnx.TensorProto.DataType.INT64, new BigInt64Array(values.map(BigInt)));
  }

  finish(): Uint8Array {
    const graph = onnx.GraphProto.create({
      name: this.name,
      node: this.nodes,
      initializer: this.initializers,
      input: this.inputs,
      output: this.outputs,
    });
    const model = onnx.ModelProto.create({
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: OPSET }],
      producerName: '@implicit-faces/landmarks',
      graph,
    });
    return onnx.ModelProto.encode(model).finish();
  }

  private initializer(dims: number[], dataType: number, values: Uint16Array | BigInt64Array): string {
    const name = this.fresh('constant');
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.initializers.push(onnx.TensorProto.create({ name, dims, dataType, rawData }));
    return name;
  }

  private fresh(stem: string): string {
    this.count += 1;
    return `${stem}_${this.count}`;
  }
}

function valueInfo(name: string, dims: number[]) {
  const shape = { dim: dims.map((dimValue) => ({ dimValue })) };
  return onnx.ValueInfoProto.create({
    name,
    type: { tensorType: { elemType: onnx.TensorProto.DataType.FLOAT, shape } },
  });
}

function toAttribute(name: string, value: OnnxAttribute) {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof value === 'string') {
    return onnx.AttributeProto.create({ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  }
  if (typeof value === 'number') return onnx.AttributeProto.create({ name, type: AttributeType.INT, i: value });
  return onnx.AttributeProto.create({ name, type: AttributeType.INTS, ints: value });
}
