import { BinaryReader } from '@bufbuild/protobuf/wire';
import { OnnxWriter } from '@implicit-faces/test-utils/onnx-writer';

/** What of an ONNX file matters for counting its work. The field numbers below are those of onnx.proto. */
export interface OnnxGraph {
  nodes: { type: string; inputs: string[]; outputs: string[] }[];
  /** Inputs with a free axis. */
  batched: string[];
  /** Axes of the constant tensors, by name. */
  constants: Map<string, number[]>;
}

/** Reads an ONNX file's graph; an empty file gives an empty one, other bytes throw protobuf's error. */
export function readOnnxGraph(bytes: Uint8Array): OnnxGraph {
  const graph = inner(readMessage(bytes), 7);
  const isFree = (dim: Message) => dim.has(2);
  const batched = messages(graph, 11)
    .map(readMessage)
    .filter((info) =>
      messages(inner(inner(inner(info, 2), 1), 2), 1)
        .map(readMessage)
        .some(isFree),
    )
    .map((info) => texts(info, 1)[0]);
  const constants = new Map(
    messages(graph, 5)
      .map(readMessage)
      .map((tensor) => [texts(tensor, 8)[0], integers(tensor, 1)]),
  );
  const nodes = messages(graph, 1)
    .map(readMessage)
    .map((node) => ({ type: texts(node, 4)[0], inputs: texts(node, 1), outputs: texts(node, 2) }));
  return { nodes, batched, constants };
}

/** An ONNX file that multiplies two square matrices, `a` and `b`, into `c`. */
export function createProductNetwork(side: number): Uint8Array {
  const writer = new OnnxWriter('', 'product');
  for (const name of ['a', 'b']) writer.input(name, [side, side]);
  writer.node('MatMul', ['a', 'b'], {}, 'c');
  writer.output('c', [side, side]);
  return writer.finish();
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

/** The one message in a field; empty when it is not there. */
function inner(message: Message, field: number): Message {
  return readMessage(messages(message, field)[0] ?? new Uint8Array(0));
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
