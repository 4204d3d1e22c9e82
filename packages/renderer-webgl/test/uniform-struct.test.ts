import { expect, it } from 'vitest';
import { uniformStruct } from '../src/webgpu/uniform-struct.js';

it('lays members out at multiples of 16 bytes, as the WGSL that it declares', () => {
  const { wgsl, byteLength, pack } = uniformStruct('Block', {
    scale: 'f32',
    rows: ['vec3f', 2],
    weights: ['f32', 2],
    m: 'mat4x4f',
  });
  expect(wgsl).toMatchInlineSnapshot(`
    "struct Block {
      @align(16) scale: f32,
      @align(16) rows: array<vec3f, 2>,
      @align(16) weights: array<vec4f, 2>,
      @align(16) m: mat4x4f,
    }"
  `);
  expect(byteLength).toBe(16 + 32 + 32 + 64);
  const out = new Float32Array(byteLength / 4);
  pack({ scale: 7, rows: [1, 2, 3, 4, 5, 6], weights: [8, 9] }, out);
  pack({ m: [10, 11] }, out);
  expect([...out.subarray(0, 22)]).toEqual([7, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 8, 0, 0, 0, 9, 0, 0, 0, 10, 11]);
});
