/// <reference types="@webgpu/types" />
/// <reference path="../wgsl.d.ts" />
import { mergeOptions } from '@implicit-faces/runtime';
import { AVATAR_RENDERER_DEFAULTS, type AvatarRenderer, type AvatarRendererOptions } from '../avatar-renderer.js';
import { cameraPlace, multiply4 } from '../matrices.js';
import { checkImage, checkMesh, moveMesh } from '../part-buffers.js';
import { WHITE } from '../part-maps.js';
import avatarMain from '../shaders/avatar.wgsl';
import normalMapChunk from '../shaders/chunks/normal-map.wgsl';
import outputChunk from '../shaders/chunks/output.wgsl';
import shadingChunk from '../shaders/chunks/shading.wgsl';
import surfaceLightChunk from '../shaders/chunks/surface-light.wgsl';
import { MATTE, packGloss } from '../specular.js';
import { keepSurfaceLight } from '../surface-light.js';
import type { PartImage, PartMesh } from '../types.js';
import { keepDeviceResources } from './device-resources.js';
import {
  createFrameSlots,
  LIGHT_LAYOUT,
  lightValues,
  OUTPUT_LAYOUT,
  outputValues,
  WEBGPU_TARGET_DEFAULTS,
  type WebGpuRenderOptions,
  type WebGpuTargetOptions,
} from './frame.js';
import { createPipeline, createShaderModule } from './shader-module.js';
import { createImageSampler, createImageUploader, type ImageEncoding } from './textures.js';
import { uniformStruct } from './uniform-struct.js';

/** Tunables of `createWebGpuAvatarRenderer`. */
export interface WebGpuAvatarRendererOptions
  extends WebGpuTargetOptions,
    Pick<AvatarRendererOptions, 'gloss' | 'maxAnisotropy' | 'normalScale'> {}

/** Draws an avatar's meshes with WebGPU: what `AvatarRenderer` is for WebGL2. */
export interface WebGpuAvatarRenderer extends Omit<AvatarRenderer, 'render'> {
  /**
   * Records the drawing, with depth, in a pass of the caller's. Pipeline, bind groups 0 and 1, vertex and index buffers of the pass are afterwards others.
   * One submission to the queue may hold up to 16 calls.
   */
  render(pass: GPURenderPassEncoder, options: WebGpuRenderOptions): void;
}

const FRAME = /* @__PURE__ */ uniformStruct('Frame', {
  clipFromWorld: 'mat4x4f',
  eye: 'vec3f',
  ...LIGHT_LAYOUT,
  ...OUTPUT_LAYOUT,
});

/** A part on the graphics card. */
interface Part {
  positions: GPUBuffer;
  normals: GPUBuffer;
  uvs: GPUBuffer;
  indices: GPUBuffer;
  material: GPUBuffer;
  bindGroup: GPUBindGroup;
  indexCount: number;
}

/**
 * Creates a renderer that rasterises an avatar's parts under spherical-harmonics light, the same picture as `createAvatarRenderer`'s.
 *
 * @throws FaceError (in the promise) `NO_WEBGPU` without a device, `DEVICE_LOST` when it is lost already, `SHADER` when it refuses a shader or the target's formats.
 * @example
 * const adapter = await navigator.gpu?.requestAdapter();
 * const renderer = await createWebGpuAvatarRenderer({ device: await adapter?.requestDevice(), format });
 * renderer.setMeshes(await avatarMeshes(model, avatar));
 * renderer.render(pass, { clipFromCamera, cameraFromWorld });
 */
export async function createWebGpuAvatarRenderer(options: WebGpuAvatarRendererOptions): Promise<WebGpuAvatarRenderer> {
  const { gloss, maxAnisotropy, normalScale, depthFormat, sampleCount } = mergeOptions(
    {
      ...(AVATAR_RENDERER_DEFAULTS as Required<Pick<AvatarRendererOptions, 'gloss' | 'maxAnisotropy' | 'normalScale'>>),
      ...WEBGPU_TARGET_DEFAULTS,
    } as Required<
      Pick<WebGpuAvatarRendererOptions, 'gloss' | 'maxAnisotropy' | 'normalScale' | 'depthFormat' | 'sampleCount'>
    >,
    {
      gloss: options.gloss,
      maxAnisotropy: options.maxAnisotropy,
      normalScale: options.normalScale,
      depthFormat: options.depthFormat,
      sampleCount: options.sampleCount,
    },
  );
  const { format } = options;
  const resources = await keepDeviceResources('createWebGpuAvatarRenderer', options.device, options.onLost);
  const { device, createBuffer, checkOpen } = resources;
  const light = keepSurfaceLight(checkOpen);
  const module = await createShaderModule(
    device,
    'avatar',
    FRAME.wgsl,
    shadingChunk,
    surfaceLightChunk,
    outputChunk,
    normalMapChunk,
    avatarMain,
  );
  const attribute = (shaderLocation: number, size: 2 | 3): GPUVertexBufferLayout => ({
    arrayStride: 4 * size,
    attributes: [{ shaderLocation, offset: 0, format: `float32x${size}` }],
  });
  const pipeline = await createPipeline(device, {
    label: 'avatar',
    layout: 'auto',
    vertex: { module, buffers: [attribute(0, 3), attribute(1, 3), attribute(2, 2)] },
    fragment: { module, targets: [{ format }] },
    depthStencil: { format: depthFormat, depthWriteEnabled: true, depthCompare: 'less-equal' },
    multisample: { count: sampleCount },
  });
  const uploader = await createImageUploader(resources);
  const sampler = createImageSampler(device, maxAnisotropy);
  const frames = createFrameSlots(resources, FRAME, pipeline.getBindGroupLayout(0));

  let meshes = new Map<string, PartMesh>();
  const parts = new Map<string, Part>();
  const textures = new Map<PartImage, GPUTexture>();

  function createPart(mesh: PartMesh, texture: GPUTexture, relief: GPUTexture): Part {
    const { name, positions, normals, uvs, indices } = mesh;
    const material = createBuffer(
      `${name} material`,
      GPUBufferUsage.UNIFORM,
      // Without a map white, which points outward, and nothing along the chart.
      Float32Array.from([...packGloss(gloss[name] ?? MATTE), mesh.normalMap ? normalScale : 0, 0, 0, 0]),
    );
    return {
      positions: createBuffer(`${name} positions`, GPUBufferUsage.VERTEX, positions),
      normals: createBuffer(`${name} normals`, GPUBufferUsage.VERTEX, normals),
      uvs: createBuffer(`${name} uvs`, GPUBufferUsage.VERTEX, uvs),
      indices: createBuffer(`${name} indices`, GPUBufferUsage.INDEX, indices),
      material,
      bindGroup: device.createBindGroup({
        label: name,
        layout: pipeline.getBindGroupLayout(1),
        entries: [
          { binding: 0, resource: { buffer: material } },
          { binding: 1, resource: texture.createView() },
          { binding: 2, resource: sampler },
          { binding: 3, resource: relief.createView() },
        ],
      }),
      indexCount: indices.length,
    };
  }

  function freeParts(): void {
    for (const { positions, normals, uvs, indices, material } of parts.values())
      for (const buffer of [positions, normals, uvs, indices, material]) resources.free(buffer);
    for (const texture of textures.values()) resources.free(texture);
    parts.clear();
    textures.clear();
  }

  return {
    setMeshes(given) {
      checkOpen('setMeshes');
      for (const mesh of given) checkMesh(mesh, device.limits.maxTextureDimension2D);
      // Shallow copies, so that updatePositions does not change the caller's objects.
      meshes = new Map(given.map((mesh) => [mesh.name, { ...mesh }]));
      freeParts();
      for (const mesh of meshes.values()) {
        const textureOf = (image: PartImage, what: string, encoding: ImageEncoding) => {
          const texture = textures.get(image) ?? uploader.create(`${mesh.name} ${what}`, [image], encoding);
          textures.set(image, texture);
          return texture;
        };
        const relief = textureOf(mesh.normalMap ?? WHITE, 'normal map', 'linear');
        parts.set(mesh.name, createPart(mesh, textureOf(mesh.image, 'albedo', 'srgb'), relief));
      }
    },

    updatePositions(name, positions, normals) {
      checkOpen('updatePositions');
      moveMesh(meshes, name, positions, normals);
      const part = parts.get(name)!;
      device.queue.writeBuffer(part.positions, 0, positions as Float32Array<ArrayBuffer>);
      device.queue.writeBuffer(part.normals, 0, normals as Float32Array<ArrayBuffer>);
    },

    updateImage(image, region) {
      checkOpen('updateImage');
      checkImage(meshes, image);
      uploader.update(textures.get(image)!, image, region);
    },

    ...light.setters,

    render(pass, renderOptions) {
      checkOpen('render');
      const { clipFromCamera, cameraFromWorld } = renderOptions;
      pass.setPipeline(pipeline);
      pass.setBindGroup(
        0,
        frames.next({
          clipFromWorld: multiply4(clipFromCamera, cameraFromWorld),
          eye: cameraPlace(cameraFromWorld),
          ...lightValues(light.current()),
          ...outputValues(renderOptions, format),
        }),
      );
      for (const { positions, normals, uvs, indices, bindGroup, indexCount } of parts.values()) {
        pass.setBindGroup(1, bindGroup);
        [positions, normals, uvs].forEach((buffer, i) => {
          pass.setVertexBuffer(i, buffer);
        });
        pass.setIndexBuffer(indices, 'uint32');
        pass.drawIndexed(indexCount);
      }
    },

    dispose: resources.dispose,
  };
}
