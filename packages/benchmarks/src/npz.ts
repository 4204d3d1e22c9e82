import { FaceError } from '@implicit-faces/runtime';
import { unzipSync } from 'fflate';

/** An array of NumPy's: numbers, or text, and the lengths of its axes (row-major). */
export interface NpyArray {
  data: Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | BigInt64Array | string[];
  dims: number[];
}

const ARRAYS = {
  f4: Float32Array,
  f8: Float64Array,
  i4: Int32Array,
  u4: Uint32Array,
  u1: Uint8Array,
  i8: BigInt64Array,
} as const;

/**
 * Reads NumPy's .npz: a zip of .npy files.
 *
 * @returns the arrays by name, without ".npy".
 * @throws FaceError `NPZ` when it is no zip, or as `parseNpy`.
 */
export function readNpz(bytes: Uint8Array): Record<string, NpyArray> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes);
  } catch (cause) {
    throw new FaceError(
      'NPZ',
      'readNpz: the bytes should be a zip. The file is damaged or of another kind; get it again.',
      { cause },
    );
  }
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([name]) => name.endsWith('.npy'))
      .map(([name, content]) => [name.slice(0, -4), parseNpy(content, name)]),
  );
}

/**
 * Reads NumPy's .npy, versions 1 to 3: little-endian numbers and UCS-4 text, in C order.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @throws FaceError `NPZ` for another type or order, or when bytes are missing.
 */
export function parseNpy(bytes: Uint8Array, name = 'npy'): NpyArray {
  const broken = (what: string) =>
    new FaceError('NPZ', `parseNpy: ${name}: ${what}. Save it again with numpy.savez in C order.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY')
    throw broken('should begin with NUMPY');
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const headerLength = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + headerLength));
  const descr = /'descr':\s*'([<|=])(\w)(\d+)'/.exec(header);
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header);
  if (!descr || !shape)
    throw broken(`the header should name one plain little-endian type and a shape; received ${header.trim()}`);
  if (/'fortran_order':\s*True/.test(header)) throw broken('should be in C order');
  const dims = shape[1]
    .split(',')
    .filter((text) => text.trim() !== '')
    .map(Number);
  const length = dims.reduce((a, b) => a * b, 1);
  const [, , kind, digits] = descr;
  const content = bytes.slice(start + headerLength);
  const check = (size: number) => {
    if (content.byteLength !== size)
      throw broken(`[${dims}] of ${kind}${digits} takes ${size} bytes; received ${content.byteLength}`);
  };
  if (kind === 'U') {
    const size = Number(digits);
    check(4 * size * length);
    const letters = new Uint32Array(content.buffer);
    const text = (i: number) => String.fromCodePoint(...letters.subarray(i * size, (i + 1) * size)).replace(/\0+$/, '');
    return { data: Array.from({ length }, (_, i) => text(i)), dims };
  }
  const type = `${kind}${digits}`;
  if (!Object.hasOwn(ARRAYS, type))
    throw broken(`the type should be one of ${Object.keys(ARRAYS).join(', ')} or U; received ${type}`);
  const array = ARRAYS[type as keyof typeof ARRAYS];
  check(length * array.BYTES_PER_ELEMENT);
  return { data: new array(content.buffer), dims };
}
