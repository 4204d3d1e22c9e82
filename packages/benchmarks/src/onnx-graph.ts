import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** What of an ONNX file matters for counting its work. The field numbers below are those of onnx.proto. */
export interface OnnxGraph {
  nodes: { type: string; inputs: string[]; outputs: string[] }[];
  /** By tensor: lengths of its axes, undefined where an axis is free. Tensors whose shape the file does not say are not there. */
  shapes: Map<string, (number | undefined)[]>;
}

/** Reads nodes and shapes of an ONNX file; other bytes give an empty graph or throw protobuf's error. */
export function readOnnxGraph(bytes: Uint8Array): OnnxGraph {
  const graph = readMessage(messages(readMessage(bytes), 7)[0] ?? new Uint8Array(0));
  const shapes: OnnxGraph['shapes'] = new Map();
  for (const field of [11, 12, 13]) {
    for (const info of messages(graph, field).map(readMessage)) {
      const type = readMessage(messages(info, 2)[0] ?? new Uint8Array(0));
      const tensor = readMessage(messages(type, 1)[0] ?? new Uint8Array(0));
      const [shape] = messages(tensor, 2);
      if (!shape) continue;
      const dims = messages(readMessage(shape), 1).map(readMessage);
      shapes.set(
        texts(info, 1)[0],
        dims.map((dim) => dim.get(1)?.[0] as number | undefined),
      );
    }
  }
  for (const tensor of messages(graph, 5).map(readMessage)) shapes.set(texts(tensor, 8)[0], integers(tensor, 1));
  const nodes = messages(graph, 1)
    .map(readMessage)
    .map((node) => ({ type: texts(node, 4)[0], inputs: texts(node, 1), outputs: texts(node, 2) }));
  return { nodes, shapes };
}

/** An ONNX file that multiplies two square matrices, `a` and `b`, into `c`. */
export function createProductNetwork(side: number): Uint8Array {
  const dim = (writer: BinaryWriter) => writer.tag(1, 2).fork().tag(1, 0).int64(side).join();
  const info = (writer: BinaryWriter, field: number, name: string) => {
    writer.tag(field, 2).fork().tag(1, 2).string(name);
    writer.tag(2, 2).fork().tag(1, 2).fork().tag(1, 0).int32(1).tag(2, 2).fork();
    dim(writer);
    dim(writer);
    writer.join().join().join().join();
  };
  const writer = new BinaryWriter();
  writer.tag(1, 0).int64(8).tag(7, 2).fork();
  writer.tag(1, 2).fork().tag(1, 2).string('a').tag(1, 2).string('b').tag(2, 2).string('c').tag(4, 2).string('MatMul').join();
  writer.tag(2, 2).string('product');
  info(writer, 11, 'a');
  info(writer, 11, 'b');
  info(writer, 12, 'c');
  return writer.join().tag(8, 2).fork().tag(1, 2).string('').tag(2, 0).int64(13).join().finish();
}

/** Each field's values: numbers, or the bytes of text, messages and packed lists. */
type Message = Map<number, (number | Uint8Array)[]>;

function readMessage(bytes: Uint8Array): Message {
  const message: Message = new Map();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (wire !== 0 && wire !== 2) {
      reader.skip(wire, field);
      continue;
    }
    const values = message.get(field) ?? [];
    values.push(wire === 0 ? Number(reader.int64()) : reader.bytes());
    message.set(field, values);
  }
  return message;
}

function messages(message: Message, field: number): Uint8Array[] {
  return (message.get(field) ?? []).filter((value) => value instanceof Uint8Array);
}

function texts(message: Message, field: number): string[] {
  return messages(message, field).map((bytes) => new TextDecoder().decode(bytes));
}

/** Whole numbers, packed or one by one. */
function integers(message: Message, field: number): number[] {
  return (message.get(field) ?? []).flatMap((value) => {
    if (typeof value === 'number') return [value];
    const reader = new BinaryReader(value);
    const list: number[] = [];
    while (reader.pos < reader.len) list.push(Number(reader.int64()));
    return list;
  });
}
