import { encodeHalf } from './half.js';

/** Numbers of a lattice's point and of a texel. */
const CHANNELS = 4;

/**
 * Writes texels of a row, the first of them on a coarse point: a reference plus a change on a lattice of twice the step, interpolated from the four coarse rows around it;
 * where the row lies on or between fewer of them some are the same.
 *
 * All are addresses in the kernel's memory, bytes.
 *
 * @param out - of the first texel: four half floats each.
 * @param reference - of its point: four floats each.
 * @param a - of the coarse rows' points there, as `b`, `c` and `d`.
 * @param count - how many texels: even ones are on coarse points, odd ones half way to the next.
 */
export type AddRow = (
  out: number,
  reference: number,
  a: number,
  b: number,
  c: number,
  d: number,
  count: number,
) => void;

/** Room for the arrays that a kernel works on, and the kernel. */
export interface ChangeKernel {
  floats(count: number): Float32Array;
  halves(count: number): Uint16Array;
  addRow: AddRow;
}

const PAGE = 65536;
/** What arrays begin at multiples of, bytes. */
const ALIGNMENT = 16;

/**
 * Makes a kernel: in SIMD, or where that is not to be had as its slow twin.
 *
 * @param bytes - how many all arrays take, each rounded up to a multiple of 16.
 */
export function createChangeKernel(bytes: number, simd = hasSimd()): ChangeKernel {
  const pages = Math.ceil(bytes / PAGE);
  const memory = simd ? new WebAssembly.Memory({ initial: pages }) : undefined;
  const buffer = memory?.buffer ?? new ArrayBuffer(pages * PAGE);
  let used = 0;
  const take = (size: number) => {
    const at = used;
    used = Math.ceil((at + size) / ALIGNMENT) * ALIGNMENT;
    return at;
  };
  return {
    floats: (count) => new Float32Array(buffer, take(4 * count), count),
    halves: (count) => new Uint16Array(buffer, take(2 * count), count),
    addRow: memory ? compileAddRow(memory) : slowAddRow(buffer),
  };
}

function hasSimd(): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(MODULE);
}

function compileAddRow(memory: WebAssembly.Memory): AddRow {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { m: memory } });
  return exports.r as AddRow;
}

/** The twin of what `MODULE` does. */
function slowAddRow(buffer: ArrayBuffer): AddRow {
  const values = new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  const texel = new Float32Array(CHANNELS);
  return (out, reference, a, b, c, d, count) => {
    const rows = [a / 4, b / 4, c / 4, d / 4];
    for (let n = 0; n < count; n++) {
      const p = CHANNELS * (n >> 1);
      const q = CHANNELS * ((n + 1) >> 1);
      for (let k = 0; k < CHANNELS; k++) {
        let sum = 0;
        for (const row of rows) sum += values[row + p + k] + values[row + q + k];
        texel[k] = values[reference / 4 + CHANNELS * n + k] + sum / 8;
      }
      encodeHalf(texel, halves, CHANNELS, out / 2 + CHANNELS * n);
    }
  };
}

// What follows is WebAssembly, assembled here: some 560 bytes that need no tools (https://webassembly.github.io/spec/core/binary).

/** Unsigned LEB128. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

/** Signed LEB128. */
function signedLeb(value: number): number[] {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signedLeb(value >> 7)];
}

function assemble(): Uint8Array<ArrayBuffer> {
  type Code = readonly number[];
  const section = (id: number, ...bytes: number[]) => [id, ...leb(bytes.length), ...bytes];
  const name = [1, 'm'.charCodeAt(0)];
  const [I32, V128] = [0x7f, 0x7b];
  const get = (local: number): Code => [0x20, local];
  const set = (local: number, value: Code): Code => [...value, 0x21, local];
  const integer = (value: number): Code => [0x41, ...signedLeb(value)];
  const op = (code: number, ...operands: Code[]): Code => [...operands.flat(), code];
  const simd = (code: number, ...operands: Code[]): Code => [...operands.flat(), 0xfd, ...leb(code)];
  const plus = (x: Code, y: Code) => op(0x6a, x, y);
  const load = (pointer: number, offset = 0): Code => [...simd(0x00, get(pointer)), 4, offset]; // v128.load, aligned
  const integers = (value: number) => simd(0x11, integer(value)); // i32x4.splat
  const floats = (value: number): Code => simd(0x13, [0x43, ...new Uint8Array(Float32Array.of(value).buffer)]); // f32x4.splat
  const add = (x: Code, y: Code) => simd(0xe4, x, y); // f32x4.add
  const multiply = (x: Code, y: Code) => simd(0xe6, x, y); // f32x4.mul
  const both = (x: Code, y: Code) => simd(0x4e, x, y); // v128.and

  const [out, reference, a, b, c, d, count] = [0, 1, 2, 3, 4, 5, 6];
  const [here, next, value, size, even] = [7, 8, 9, 10, 11];
  const rows = [a, b, c, d];
  /** Of the four rows at a coarse point, this one or the next. */
  const sum = (offset: number) => rows.map((row) => load(row, offset)).reduce(add);
  // As `encodeHalf`, but for ties: normal halves by moving the exponent, denormal ones by adding a half, below whose leading bit the multiples of 2^-24 stand.
  const normal = simd(0xad, simd(0xb1, get(size), integers(0x38000000 - 0x1000)), integer(13)); // (size - ...) >>> 13
  const denormal = simd(0xb1, add(get(size), floats(0.5)), integers(0x3f000000)); // i32x4.sub
  const isNormal = simd(0x3f, get(size), integers(0x38800000)); // i32x4.ge_s
  const sign = both(simd(0xad, get(value), integer(16)), integers(0x8000));
  const half = simd(0x50, simd(0x52, normal, denormal, isNormal), sign); // v128.or, v128.bitselect
  const encoded = (number: Code): Code => [
    ...set(value, number),
    ...set(size, both(get(value), integers(0x7fffffff))),
    ...half,
  ];
  const evenTexel = encoded(add(load(reference), multiply(get(here), floats(1 / 4))));
  const oddTexel = encoded(add(load(reference, 16), multiply(add(get(here), get(next)), floats(1 / 8))));
  const narrow = (x: Code, y: Code) => simd(0x86, x, y); // i16x8.narrow_i32x4_u
  const advance = (pointer: number, bytes: number) => set(pointer, plus(get(pointer), integer(bytes)));
  const body = [
    ...set(here, sum(0)),
    ...[0x02, 0x40, 0x03, 0x40], // block, loop
    ...[...op(0x48, get(count), integer(2)), 0x0d, 1], // leave with less than two texels
    ...set(next, sum(16)),
    ...set(even, evenTexel),
    ...[...get(out), ...narrow(get(even), oddTexel), 0xfd, 0x0b, 3, 0], // v128.store
    ...set(here, get(next)),
    ...advance(out, 16),
    ...advance(reference, 32),
    ...rows.flatMap((row) => advance(row, 16)),
    ...advance(count, -2),
    ...[0x0c, 0, 0x0b, 0x0b], // again; end of loop and block
    ...[...get(count), 0x04, 0x40], // if there is one left
    ...set(even, evenTexel),
    ...[...get(out), ...narrow(get(even), get(even)), 0xfd, 0x5b, 3, 0, 0], // v128.store64_lane
    ...[0x0b, 0x0b],
  ];
  const code = [1, 5, V128, ...body];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 7, I32, I32, I32, I32, I32, I32, I32, 0),
    ...section(2, 1, ...name, ...name, 2, 0, 0), // a memory
    ...section(3, 1, 0),
    ...section(7, 1, 1, 'r'.charCodeAt(0), 0, 0),
    ...section(10, 1, ...leb(code.length), ...code),
  ]);
}

const MODULE = /* @__PURE__ */ assemble();
