import { isFaceError } from '@implicit-faces/runtime';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { parseNpy, readNpz } from '../src/npz.js';

/** The bytes of a .npy file as NumPy lays them out. */
function npy(descr: string, shape: string, content: ArrayBufferView, order = 'False', version = 1): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const start = version === 1 ? 10 : 12;
  const header = `${text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1)}\n`;
  const bytes = new Uint8Array(start + header.length + content.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), start);
  bytes.set(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), start + header.length);
  return bytes;
}

const numbers = new Float32Array([1, 2, 3, 4, 5, 6]);
const letters = Uint32Array.from('ab\0é\0\0', (letter) => letter.codePointAt(0)!);

describe('npz', () => {
  it('reads numbers and text, packed or not, of either header', () => {
    const zip = zipSync({
      'points.npy': npy('<f4', '(2, 3)', numbers),
      'faces.npy': [npy('<i4', '(2,)', new Int32Array([-1, 7]), 'False', 2), { level: 0 }],
      'names.npy': npy('<U3', '(2,)', letters),
      'scalar.npy': npy('<f8', '()', new Float64Array([2.5])),
      'readme.txt': new Uint8Array(3),
    });
    expect(readNpz(zip)).toEqual({
      points: { data: numbers, dims: [2, 3] },
      faces: { data: new Int32Array([-1, 7]), dims: [2] },
      names: { data: ['ab', 'é'], dims: [2] },
      scalar: { data: new Float64Array([2.5]), dims: [] },
    });
  });

  it.each([
    ['no zip', () => readNpz(new Uint8Array(100))],
    ['no npy', () => parseNpy(new Uint8Array(100))],
    ['too few bytes', () => parseNpy(npy('<f4', '(2, 3)', numbers).subarray(0, -4))],
    ["Fortran's order", () => parseNpy(npy('<f4', '(2, 3)', numbers, 'True'))],
    ['big-endian numbers', () => parseNpy(npy('>f4', '(2, 3)', numbers))],
    ['complex numbers', () => parseNpy(npy('<c8', '(3,)', numbers))],
  ])('refuses %s', (_, read) => {
    expect(read).toThrow(expect.toSatisfy((error) => isFaceError(error, 'NPZ')));
  });
});
