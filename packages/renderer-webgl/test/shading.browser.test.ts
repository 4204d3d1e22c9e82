/// <reference path="../src/glsl.d.ts" />
import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { encodeSrgb } from '../src/colour.js';
import { computeHighlight, computeShading, type Vec3 } from '../src/index.js';
import { assembleShader, createProgram } from '../src/program.js';
import shadingChunk from '../src/shaders/chunks/shading.glsl';
import { createContext, createTarget, LIGHTING } from './support/scene.js';

const SIZE = 16;
const VERTEX = 'void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }';

/** Runs `body`, which sets `result` from the unit normal `n` and its number, once for each normal. */
function evaluate(
  body: string,
  normals: readonly Vec3[],
  uniforms: Record<string, ArrayLike<number>> = {},
): Float32Array {
  const gl = createContext(SIZE);
  const declarations = `uniform vec3 normals[${SIZE * SIZE}]; uniform vec3 lighting[9]; out vec4 result;`;
  const main = `void main() {
    vec3 n = normals[(${SIZE - 1} - int(gl_FragCoord.y)) * ${SIZE} + int(gl_FragCoord.x)];
    result = vec4(${body}, 1.0);
  }`;
  const program = createProgram(gl, assembleShader(VERTEX), assembleShader(shadingChunk, declarations, main));
  const target = createTarget(gl, SIZE, 'RGBA32F');
  gl.bindFramebuffer(gl.FRAMEBUFFER, target.framebuffer);
  gl.viewport(0, 0, SIZE, SIZE);
  gl.useProgram(program.handle);
  for (const [name, values] of Object.entries({ normals: normals.flat(), ...uniforms })) {
    gl.uniform3fv(program.uniforms[name], Float32Array.from(values));
  }
  gl.drawArrays(gl.TRIANGLES, 0, 3);
  return target.read();
}

const random = createRandom(2);
const normals: Vec3[] = Array.from({ length: SIZE * SIZE }, () => {
  const v = [random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
});

it('computeShading agrees with its twin', () => {
  const expected = normals.flatMap((n) => [...computeShading(LIGHTING, n), 1]);
  expect(evaluate('computeShading(lighting, n)', normals, { lighting: LIGHTING })).toBeCloseToTensor(expected, 1e-5);
});

it('computeHighlight agrees with its twin', () => {
  const gloss = { strength: 0.8, exponent: 20 };
  const expected = normals.flatMap((n) => [...computeHighlight([0, 0.6, 0.8], [1, 2, 3], gloss, n, [-0.6, 0, 0.8]), 1]);
  const actual = evaluate(
    'computeHighlight(vec3(0, 0.6, 0.8), vec3(1, 2, 3), vec2(0.8, 20), n, vec3(-0.6, 0, 0.8))',
    normals,
  );
  expect(actual).toBeCloseToTensor(expected, 1e-4);
});

it('encodeSrgb agrees with its twin', () => {
  const expected = normals.flatMap((n) => [...n.map(encodeSrgb), 1]);
  expect(evaluate('encodeSrgb(n)', normals)).toBeCloseToTensor(expected, 1e-5);
});
