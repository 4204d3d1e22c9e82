import { FaceError } from './errors.js';
import { type Files, readVerified } from './files.js';
import type { NetworkManifest } from './manifest.js';
import { sizeOf } from './shapes.js';

const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const;

type Dtype = keyof typeof ARRAYS;

/** The numbers of a tensor. */
export type TensorData = InstanceType<(typeof ARRAYS)[Dtype]> | Uint8ClampedArray;

/** Numbers in row-major order and the lengths of their axes. */
export interface Tensor<Data extends TensorData = TensorData> {
  data: Data;
  dims: readonly number[];
}

/** The content of a safetensors file. */
export interface SafetensorsContent {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

/**
 * Reads the safetensors layout: 8 bytes of header length, a JSON header, the tensors' bytes without gaps.
 *
 * @param bytes - the whole file. Tensors are views into it where alignment allows.
 * @param name - what to call the file in messages.
 * @throws FaceError `TENSORS` when the header, a type, a shape or an offset is not sound, naming file and tensor.
 */
export function parseSafetensors(bytes: Uint8Array<ArrayBuffer>, name = 'safetensors'): SafetensorsContent {
  const broken = (what: string, cause?: unknown) =>
    new FaceError(
      'TENSORS',
      `parseSafetensors: ${name}: ${what}. The file is damaged or of another kind; get it again.`,
      { cause },
    );

  if (bytes.length < 8) throw broken(`should have at least 8 bytes; received ${bytes.length}`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const start = 8 + headerLength;
  if (start > bytes.length)
    throw broken(`should have a header of ${headerLength} bytes; the file has only ${bytes.length}`);
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw broken('the header should be JSON', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw broken('the header should be an object');

  const { __metadata__: metadata = {}, ...entries } = header;
  if (
    typeof metadata !== 'object' ||
    metadata === null ||
    !Object.values(metadata).every((v) => typeof v === 'string')
  ) {
    throw broken('__metadata__ should hold strings only');
  }

  // Without a prototype, so that no tensor's name can mean anything else.
  const tensors: Record<string, Tensor> = Object.create(null);
  const ranges: [begin: number, end: number][] = [];
  for (const [key, value] of Object.entries(entries)) {
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    if (!isDtype(dtype))
      throw broken(`${key}: dtype should be one of ${Object.keys(ARRAYS).join(', ')}; received ${dtype}`);
    if (!isSizes(shape)) throw broken(`${key}: shape should be whole numbers; received ${JSON.stringify(shape)}`);
    if (!isSizes(offsets) || offsets.length !== 2) throw broken(`${key}: data_offsets should be two whole numbers`);
    const [begin, end] = offsets;
    const length = sizeOf(shape);
    const size = length * ARRAYS[dtype].BYTES_PER_ELEMENT;
    if (end - begin !== size)
      throw broken(`${key}: [${shape}] of ${dtype} takes ${size} bytes; received ${end - begin}`);
    if (start + end > bytes.length)
      throw broken(`${key}: ends at byte ${start + end}; the file has only ${bytes.length}`);
    tensors[key] = { data: viewOf(ARRAYS[dtype], bytes, start + begin, length), dims: shape };
    ranges.push([begin, end]);
  }

  ranges.sort(([a, aEnd], [b, bEnd]) => a - b || aEnd - bEnd);
  let covered = 0;
  for (const [begin, end] of ranges) {
    if (begin !== covered)
      throw broken(`tensors should follow each other without gap or overlap; at byte ${start + covered} they do not`);
    covered = end;
  }
  if (start + covered !== bytes.length)
    throw broken(`should end at byte ${start + covered}; the file has ${bytes.length}`);
  return { tensors, metadata: metadata as Record<string, string> };
}

/**
 * Writes the safetensors layout, larger types first so that every tensor is aligned.
 *
 * @throws FaceError `SHAPE` when a tensor's numbers do not fit its dims.
 */
export function writeSafetensors(
  tensors: Record<string, Tensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) => y.data.BYTES_PER_ELEMENT - x.data.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let size = 0;
  for (const [key, { data, dims }] of entries) {
    if (data.length !== sizeOf(dims)) {
      throw new FaceError(
        'SHAPE',
        `writeSafetensors: ${key} should have [${dims}] numbers; received ${data.length}. Fix its dims.`,
      );
    }
    header[key] = { dtype: dtypeOf(data), shape: dims, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + size).fill(0x20, 8 + json.length, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  let offset = 8 + headerLength;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * Loads a manifest's file of plain tensors.
 *
 * @param name - a key of `manifest.files`, such as `topology`.
 * @throws FaceError `MANIFEST` when there is no such file; else as `readVerified` and `parseSafetensors`.
 */
export async function loadTensors(
  files: Files,
  manifest: NetworkManifest,
  name: string,
  options: { signal?: AbortSignal } = {},
): Promise<Record<string, Tensor>> {
  if (!Object.hasOwn(manifest.files, name)) {
    const known = Object.keys(manifest.files).join(', ');
    throw new FaceError('MANIFEST', `loadTensors: model ${manifest.id} has no file ${name}. It has ${known}.`);
  }
  const entry = manifest.files[name];
  return parseSafetensors(await readVerified(files, entry, options), entry.path).tensors;
}

/**
 * Takes one tensor out of a file's, checking its type and axes.
 *
 * @param dims - the expected axes; a letter stands for any length.
 * @throws FaceError `TENSORS` when it is missing or another shape or type, naming the tensor.
 */
export function takeTensor<D extends Dtype>(
  tensors: Record<string, Tensor>,
  name: string,
  dtype: D,
  dims: readonly (number | string)[],
): Tensor<InstanceType<(typeof ARRAYS)[D]>> {
  const tensor = tensors[name];
  const fits =
    tensor &&
    dtypeOf(tensor.data) === dtype &&
    tensor.dims.length === dims.length &&
    dims.every((dim, axis) => typeof dim === 'string' || dim === tensor.dims[axis]);
  if (!fits) {
    const found = tensor ? `${dtypeOf(tensor.data)} [${tensor.dims}]` : 'nothing';
    throw new FaceError(
      'TENSORS',
      `takeTensor: ${name} should be ${dtype} [${dims}]; received ${found}. The file is of another model or version.`,
    );
  }
  return tensor as Tensor<InstanceType<(typeof ARRAYS)[D]>>;
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(ARRAYS, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function dtypeOf(data: TensorData): Dtype {
  if (data instanceof Uint8ClampedArray) return 'U8';
  return (Object.keys(ARRAYS) as Dtype[]).find((dtype) => data instanceof ARRAYS[dtype])!;
}

/** A typed array over `bytes`, copied only where the offset is not a multiple of the element size. */
function viewOf(
  array: (typeof ARRAYS)[Dtype],
  bytes: Uint8Array<ArrayBuffer>,
  offset: number,
  length: number,
): TensorData {
  const from = bytes.byteOffset + offset;
  const size = length * array.BYTES_PER_ELEMENT;
  if (from % array.BYTES_PER_ELEMENT === 0) return new array(bytes.buffer, from, length);
  return new array(bytes.buffer.slice(from, from + size));
}
