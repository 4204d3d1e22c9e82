/// <reference path="../src/glsl.d.ts" />
import { expect, it } from 'vitest';
import { encodeSrgb, toneMapNeutral } from '../src/colour.js';
import {
  computeHighlight,
  computeShading,
  computeSurfaceLight,
  createSurfaceLight,
  perturbNormal,
  type Vec3,
} from '../src/index.js';
import { cross } from '../src/lighting.js';
import { assembleShader, createProgram, type Program } from '../src/program.js';
import normalMapChunk from '../src/shaders/chunks/normal-map.glsl';
import outputChunk from '../src/shaders/chunks/output.glsl';
import shadingChunk from '../src/shaders/chunks/shading.glsl';
import surfaceLightChunk from '../src/shaders/chunks/surface-light.glsl';
import { distributionGgx, environmentBrdf, fresnelSchlick, packGloss, visibilitySmith } from '../src/specular.js';
import { setSurfaceLight } from '../src/surface-light.js';
import { createContext, createTarget, LIGHTING } from './support/scene.js';
import { COUNT, EYES, LIGHTS, NORMALS, SHARES, scale } from './support/shading-inputs.js';

const SIZE = Math.sqrt(COUNT);
const VERTEX = 'void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }';

/** Runs `body`, a vec3 of the unit vectors `n` and `e` and the shares `s`, once for each. */
function evaluate(
  body: string,
  set?: (gl: WebGL2RenderingContext, uniforms: Program['uniforms']) => void,
): Float32Array {
  const gl = createContext(SIZE);
  const declarations = 'uniform highp sampler2D inputs; out vec4 result;';
  const main = `void main() {
    ivec2 place = ivec2(gl_FragCoord.x, ${SIZE - 1} - int(gl_FragCoord.y));
    vec3 n = texelFetch(inputs, place, 0).xyz;
    vec3 e = texelFetch(inputs, place + ivec2(0, ${SIZE}), 0).xyz;
    vec3 s = texelFetch(inputs, place + ivec2(0, ${2 * SIZE}), 0).xyz;
    result = vec4(${body}, 1.0);
  }`;
  const program = createProgram(
    gl,
    assembleShader(VERTEX),
    assembleShader(normalMapChunk, shadingChunk, surfaceLightChunk, outputChunk, declarations, main),
  );
  const target = createTarget(gl, SIZE, 'RGBA32F');
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  const inputs = Float32Array.from([...NORMALS, ...EYES, ...SHARES].flat());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB32F, SIZE, 3 * SIZE, 0, gl.RGB, gl.FLOAT, inputs);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.bindFramebuffer(gl.FRAMEBUFFER, target.framebuffer);
  gl.viewport(0, 0, SIZE, SIZE);
  gl.useProgram(program.handle);
  set?.(gl, program.uniforms);
  gl.drawArrays(gl.TRIANGLES, 0, 3);
  return target.read();
}

/** What twins say, with alpha 1. */
const expected = (twin: (n: Vec3, e: Vec3, s: Vec3) => readonly number[]) =>
  NORMALS.flatMap((n, i) => [...twin(n, EYES[i], SHARES[i]), 1]);

const gloss = { f0: 0.028, roughness: 0.55 };

it('microfacets, masking, Fresnel and the environment term agree with their twins', () => {
  const actual = evaluate(
    'vec3(distributionGgx(s.x, 0.05 + s.y), visibilitySmith(s.x, s.y, s.z), fresnelSchlick(0.1 * s.x, s.y))',
  );
  const twins = expected((_n, _e, [x, y, z]) => [
    distributionGgx(x, 0.05 + y),
    visibilitySmith(x, y, z),
    fresnelSchlick(0.1 * x, y),
  ]);
  expect(actual).toBeCloseToTensor(twins, 1e-3);
  const environment = evaluate('vec3(environmentBrdf(0.1 * s.x, s.y, s.z), 0.0, 0.0)');
  expect(environment).toBeCloseToTensor(
    expected((_n, _e, [x, y, z]) => [environmentBrdf({ f0: 0.1 * x, roughness: Math.sqrt(y) }, z), 0, 0]),
    1e-5,
  );
});

it('computeShading agrees with its twin', () => {
  const light = createSurfaceLight(LIGHTING);
  const actual = evaluate('computeShading(lighting, n)', (gl, uniforms) => setSurfaceLight(gl, uniforms, light));
  expect(actual).toBeCloseToTensor(
    expected((n) => computeShading(LIGHTING, n)),
    1e-5,
  );
});

it('perturbNormal agrees with its twin', () => {
  const actual = evaluate('perturbNormal(n, vec3(s.xy - 0.5, s.z), e, cross(s, e), s.xy, s.yz - 0.5)');
  const twins = expected((n, e, s) => {
    return perturbNormal(n, [s[0] - 0.5, s[1] - 0.5, s[2]], e, cross(s, e), [s[0], s[1]], [s[1] - 0.5, s[2] - 0.5]);
  });
  expect(actual).toBeCloseToTensor(twins, 1e-3);
});

it('computeHighlight agrees with its twin', () => {
  const actual = evaluate(
    `computeHighlight(e, vec3(1, 2, 3), vec2(0.028, ${packGloss(gloss)[1]}), n, vec3(-0.6, 0, 0.8))`,
  );
  const twins = expected((n, e) => computeHighlight(e, [1, 2, 3], gloss, n, [-0.6, 0, 0.8]));
  expect(Math.max(...twins)).toBeGreaterThan(0.1);
  expect(actual).toBeCloseToTensor(twins, 1e-4);
});

it('computeSurfaceLight agrees with its twin, harmonics and lights together', () => {
  const light = createSurfaceLight(LIGHTING, LIGHTS);
  const material = packGloss(gloss).map(String).join(', ');
  const actual = evaluate(`computeSurfaceLight(s, vec4(${material}), 0.1 * s, n, e)`, (gl, uniforms) =>
    setSurfaceLight(gl, uniforms, light),
  );
  const twins = expected((n, e, s) => computeSurfaceLight(light, s, gloss, scale(s, 0.1), n, e));
  expect(actual).toBeCloseToTensor(twins, 1e-4);
});

it('toneMapNeutral agrees with its twin, and with what it promises', () => {
  const bright = (s: Vec3) => s.map((x) => x * x * 12) as unknown as Vec3;
  const twins = expected((_n, _e, s) => toneMapNeutral(bright(s)));
  expect(evaluate('toneMapNeutral(12.0 * s * s)')).toBeCloseToTensor(twins, 1e-4);
  expect(Math.max(...twins.filter((_, i) => i % 4 < 3))).toBeLessThan(1);
  // Skin's colours keep their differences.
  expect(toneMapNeutral([0.6, 0.4, 0.3])).toBeCloseToTensor([0.56, 0.36, 0.26], 1e-6);
});

it('encodeSrgb agrees with its twin', () => {
  expect(evaluate('encodeSrgb(n)')).toBeCloseToTensor(
    expected((n) => n.map(encodeSrgb)),
    1e-5,
  );
});
