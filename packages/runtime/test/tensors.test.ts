import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { loadTensors, parseSafetensors, takeTensor, writeSafetensors } from '../src/index.js';
import { toyBytes, toyFiles, toyManifest } from './toy.js';

describe('parseSafetensors', () => {
  it('reads what Python wrote, aligned or not', () => {
    const { tensors } = parseSafetensors(toyBytes('toy-topology.safetensors'));
    expect({ ...tensors }).toEqual({
      mask: { data: new Uint8Array([0, 1, 2, 3, 4]), dims: [5] },
      triangles: { data: new Uint32Array([0, 1, 2]), dims: [1, 3] },
      empty: { data: new Float32Array(0), dims: [0, 3] },
    });
  });

  it('reads a part of a larger buffer', () => {
    const bytes = toyBytes('toy-topology.safetensors');
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 13);
    const { tensors } = parseSafetensors(larger.subarray(13, 13 + bytes.length));
    expect(tensors.triangles.data).toEqual(new Uint32Array([0, 1, 2]));
  });

  const file = (header: unknown, body = 0) => {
    const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const bytes = new Uint8Array(8 + json.length + body);
    new DataView(bytes.buffer).setUint32(0, json.length, true);
    bytes.set(json, 8);
    return bytes;
  };
  const f32 = (shape: unknown, offsets: unknown) => ({ dtype: 'F32', shape, data_offsets: offsets });

  it.each<[string, Uint8Array<ArrayBuffer>, string]>([
    ['no bytes', new Uint8Array(0), 'at least 8 bytes'],
    ['a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]), 'has only 12'],
    ['a broken header', file('{"a":'), 'should be JSON'],
    ['a list as header', file([]), 'an object'],
    ['an unknown type', file({ a: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }, 1), 'a: dtype'],
    ['a type of the prototype', file({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 1] } }, 1), 'a: dtype'],
    ['a negative axis', file({ a: f32([-1], [0, 4]) }, 4), 'a: shape'],
    ['one offset', file({ a: f32([1], [0]) }, 4), 'a: data_offsets'],
    ['a wrong size', file({ a: f32([2], [0, 4]) }, 4), 'a: [2] of F32 takes 8 bytes; received 4'],
    ['a tensor past the end', file({ a: f32([2], [0, 8]) }, 4), 'a: ends at byte'],
    ['a huge shape', file({ a: f32([2 ** 40, 2 ** 40], [0, 4]) }, 4), 'a: ['],
    ['an overlap', file({ a: f32([2], [0, 8]), b: f32([1], [4, 8]) }, 8), 'without gap or overlap'],
    ['a gap', file({ a: f32([1], [4, 8]) }, 8), 'without gap or overlap'],
    ['bytes at the end', file({ a: f32([1], [0, 4]) }, 5), 'should end at byte'],
    ['a null entry', file({ a: null }), 'a: dtype'],
    ['numbers as metadata', file({ __metadata__: { a: 1 } }), '__metadata__'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'x.safetensors')).toThrow(
      expect.objectContaining({
        code: 'TENSORS',
        message: expect.stringMatching(/^parseSafetensors: x.safetensors: /),
      }),
    );
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  it('refuses the file at every length but its own', () => {
    const bytes = toyBytes('toy-topology.safetensors');
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseSafetensors(bytes.slice(0, length))).toThrow(expect.objectContaining({ code: 'TENSORS' }));
    }
  });

  it('survives random damage, seed 5', () => {
    const random = createRandom(5);
    for (let i = 0; i < 500; i++) {
      const bytes = toyBytes('toy-topology.safetensors');
      bytes[random.integer(bytes.length)] = random.integer(256);
      try {
        parseSafetensors(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'TENSORS' });
      }
    }
  });
});

describe('writeSafetensors', () => {
  it('writes what parseSafetensors reads, every type and odd lengths', () => {
    const tensors = {
      u8: { data: new Uint8Array([1, 2, 3]), dims: [3] },
      f64: { data: new Float64Array([Math.PI]), dims: [] },
      i64: { data: new BigInt64Array([-5n, 6n]), dims: [2] },
      u64: { data: new BigUint64Array([6n]), dims: [1] },
      i32: { data: new Int32Array([-7]), dims: [1, 1] },
      u32: { data: new Uint32Array([7]), dims: [1] },
      i16: { data: new Int16Array([-8, 8, 8]), dims: [3, 1] },
      u16: { data: new Uint16Array([8]), dims: [1] },
      i8: { data: new Int8Array([-9]), dims: [1] },
      f32: { data: new Float32Array([1.5, -2]), dims: [1, 2] },
      __proto: { data: new Float32Array(0), dims: [0, 7] },
    };
    const content = parseSafetensors(writeSafetensors(tensors, { model: 'toy ü' }));
    expect({ ...content.tensors }).toEqual(tensors);
    expect(content.metadata).toEqual({ model: 'toy ü' });
    for (const { data } of Object.values(content.tensors)) expect(data.byteOffset % data.BYTES_PER_ELEMENT).toBe(0);
  });

  it('refuses numbers that do not fit their dims', () => {
    expect(() => writeSafetensors({ a: { data: new Float32Array(3), dims: [2, 2] } })).toThrow(
      expect.objectContaining({
        code: 'SHAPE',
        message: expect.stringContaining('a should have [2,2] numbers; received 3'),
      }),
    );
  });
});

describe('loadTensors and takeTensor', () => {
  it('give checked tensors', async () => {
    const tensors = await loadTensors(toyFiles, toyManifest(), 'topology');
    expect(takeTensor(tensors, 'triangles', 'U32', ['F', 3]).data).toEqual(new Uint32Array([0, 1, 2]));
  });

  it('refuse a wrong name, hash, type or shape, by name', async () => {
    await expect(loadTensors(toyFiles, toyManifest(), 'meshes')).rejects.toMatchObject({
      code: 'MANIFEST',
      message: expect.stringContaining('meshes'),
    });
    const forged = toyManifest((json) => {
      json.files.topology.sha256 = 'f'.repeat(64);
    });
    await expect(loadTensors(toyFiles, forged, 'topology')).rejects.toMatchObject({
      code: 'FILE_HASH',
      message: expect.stringContaining('toy-topology.safetensors'),
    });
    const tensors = await loadTensors(toyFiles, toyManifest(), 'topology');
    for (const [name, dtype, dims] of [
      ['quads', 'U32', ['F', 4]],
      ['triangles', 'F32', ['F', 3]],
      ['triangles', 'U32', ['F', 4]],
      ['triangles', 'U32', [3]],
    ] as const) {
      expect(() => takeTensor(tensors, name, dtype, dims)).toThrow(
        expect.objectContaining({
          code: 'TENSORS',
          message: expect.stringContaining(`${name} should be ${dtype} [${dims}]`),
        }),
      );
    }
  });
});
