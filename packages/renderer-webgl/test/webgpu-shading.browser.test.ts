/// <reference types="@webgpu/types" />
import { describe, expect, it } from 'vitest';
import { encodeSrgb, toneMapNeutral } from '../src/colour.js';
import { computeSurfaceLight, createSurfaceLight, FACE_GLOSS, perturbNormal } from '../src/index.js';
import { cross } from '../src/lighting.js';
import normalMapChunk from '../src/shaders/chunks/normal-map.wgsl';
import outputChunk from '../src/shaders/chunks/output.wgsl';
import shadingChunk from '../src/shaders/chunks/shading.wgsl';
import surfaceLightChunk from '../src/shaders/chunks/surface-light.wgsl';
import { packGloss } from '../src/specular.js';
import { LIGHT_LAYOUT, lightValues, OUTPUT_LAYOUT } from '../src/webgpu/frame.js';
import { createShaderModule } from '../src/webgpu/shader-module.js';
import { uniformStruct } from '../src/webgpu/uniform-struct.js';
import { LIGHTING } from './support/scene.js';
import { COUNT, EYES, LIGHTS, NORMALS, SHARES, scale } from './support/shading-inputs.js';
import { requestDevice } from './support/webgpu.js';

const device = await requestDevice();
const gloss = FACE_GLOSS.eyeLeft;
const light = createSurfaceLight(LIGHTING, LIGHTS);

/** Runs `body`, a vec3f of the unit vectors `n` and `e` and the shares `s`, once for each. */
async function evaluate(body: string): Promise<number[]> {
  const frame = uniformStruct('Frame', { material: 'vec4f', ...LIGHT_LAYOUT, ...OUTPUT_LAYOUT });
  const main = `@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(3) var normalMap: texture_2d<f32>; // addRelief's, which nobody calls
@group(0) @binding(4) var albedoSampler: sampler;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> results: array<vec4f>;
@compute @workgroup_size(64) fn computeMain(@builtin(global_invocation_id) id: vec3u) {
  let n = inputs[id.x].xyz;
  let e = inputs[id.x + ${COUNT}].xyz;
  let s = inputs[id.x + ${2 * COUNT}].xyz;
  results[id.x] = vec4f(${body}, 0.0) + 0.0 * frame.material;
}`;
  const module = await createShaderModule(
    device!,
    'probe',
    frame.wgsl,
    shadingChunk,
    surfaceLightChunk,
    outputChunk,
    normalMapChunk,
    main,
  );
  const pipeline = await device!.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const block = new Float32Array(frame.byteLength / 4);
  frame.pack({ material: packGloss(gloss), ...lightValues(light) }, block);
  const inputs = Float32Array.from([...NORMALS, ...EYES, ...SHARES].flatMap((v) => [...v, 0]));
  const buffer = (usage: number, data: Float32Array<ArrayBuffer>) => {
    const created = device!.createBuffer({ size: data.byteLength, usage: usage | GPUBufferUsage.COPY_DST });
    device!.queue.writeBuffer(created, 0, data);
    return created;
  };
  const results = buffer(GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC, new Float32Array(4 * COUNT));
  const readable = buffer(GPUBufferUsage.MAP_READ, new Float32Array(4 * COUNT));
  const entries = [buffer(GPUBufferUsage.UNIFORM, block), buffer(GPUBufferUsage.STORAGE, inputs), results].map(
    (resource, binding) => ({ binding, resource: { buffer: resource } }),
  );
  const encoder = device!.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device!.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(COUNT / 64);
  pass.end();
  encoder.copyBufferToBuffer(results, 0, readable, 0, 16 * COUNT);
  device!.queue.submit([encoder.finish()]);
  await readable.mapAsync(GPUMapMode.READ);
  return [...new Float32Array(readable.getMappedRange())].filter((_, i) => i % 4 < 3);
}

describe.skipIf(!device)('WGSL', () => {
  it('lights as its twin on the CPU', async () => {
    const actual = await evaluate('computeSurfaceLight(s, frame.material, 0.1 * e, n, e)');
    const expected = NORMALS.flatMap((n, i) =>
      computeSurfaceLight(light, SHARES[i], gloss, scale(EYES[i], 0.1), n, EYES[i]),
    );
    // Highlights reach 30; float32 keeps four digits of what goes into a sharp one.
    actual.forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-4 + 2e-3 * Math.abs(expected[i]));
    });
    expect(Math.max(...expected)).toBeGreaterThan(1);
  });

  it('leans normals as its twin', async () => {
    const actual = await evaluate('perturbNormal(n, vec3f(s.xy - 0.5, s.z), e, cross(s, e), s.xy, s.yz - 0.5)');
    const expected = NORMALS.flatMap((n, i) => {
      const [e, s] = [EYES[i], SHARES[i]];
      return perturbNormal(n, [s[0] - 0.5, s[1] - 0.5, s[2]], e, cross(s, e), [s[0], s[1]], [s[1] - 0.5, s[2] - 0.5]);
    });
    expect(actual).toBeCloseToTensor(expected, 1e-3);
  });

  it('maps and encodes colours as its twins', async () => {
    expect(await evaluate('toneMapNeutral(2.0 * s)')).toBeCloseToTensor(
      SHARES.flatMap((s) => toneMapNeutral(scale(s, 2))),
      1e-5,
    );
    expect(await evaluate('encodeSrgb(n)')).toBeCloseToTensor(NORMALS.flat().map(encodeSrgb), 1e-4);
  });
});
