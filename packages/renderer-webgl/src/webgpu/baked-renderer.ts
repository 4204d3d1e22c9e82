/// <reference types="@webgpu/types" />
/// <reference path="../wgsl.d.ts" />
import { mergeOptions } from '@implicit-faces/runtime';
import type { PosedBake } from '../bake/baker.js';
import { fixedUniforms, isCutByNear, poseUniforms, proxyOfBake } from '../bake/field-uniforms.js';
import { partProxies } from '../bake/proxy-mesh.js';
import type { BakedRenderer, BakedRendererOptions, BakedRenderOptions } from '../baked-renderer.js';
import { IDENTITY, invert4, multiply4 } from '../matrices.js';
import type { NormalMapOptions } from '../normal-map.js';
import { packGlosses, partLayers, WHITE } from '../part-maps.js';
import bakedMain from '../shaders/baked.wgsl';
import fieldChunk from '../shaders/chunks/field.wgsl';
import outputChunk from '../shaders/chunks/output.wgsl';
import shadingChunk from '../shaders/chunks/shading.wgsl';
import surfaceChunk from '../shaders/chunks/surface.wgsl';
import surfaceLightChunk from '../shaders/chunks/surface-light.wgsl';
import traceChunk from '../shaders/chunks/trace.wgsl';
import proxyMain from '../shaders/proxy.wgsl';
import { keepSurfaceLight } from '../surface-light.js';
import type { PartImage } from '../types.js';
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
import { reliefChunks } from './relief.js';
import { createPipeline, createShaderModule } from './shader-module.js';
import { createImageSampler, createImageUploader } from './textures.js';
import { uniformStruct } from './uniform-struct.js';

/** Tunables of `createWebGpuBakedRenderer`. */
export interface WebGpuBakedRendererOptions
  extends WebGpuTargetOptions,
    Pick<BakedRendererOptions, 'fixed' | 'gloss' | 'maxAnisotropy' | keyof NormalMapOptions> {}

export interface WebGpuBakedRenderOptions extends WebGpuRenderOptions, Pick<BakedRenderOptions, 'worldFromAvatar'> {
  /** `[x, y, width, height]` of the pass that is drawn into, in pixels from the top left: what `setViewport` was told, else the whole attachment. */
  viewport: readonly [number, number, number, number];
}

/** Draws a baked face by sphere tracing with WebGPU: what `BakedRenderer` is for WebGL2. */
export interface WebGpuBakedRenderer extends Omit<BakedRenderer, 'render'> {
  /** Records a pass that finds where rays begin. Before the pass of the caller's, in the same encoder or an earlier one. Records nothing before `setBake`. */
  prepare(encoder: GPUCommandEncoder, options: WebGpuBakedRenderOptions): void;

  /** Records the drawing of what was prepared last, with depth, in a pass of the caller's. Pipeline and bind groups of the pass are afterwards others. */
  render(pass: GPURenderPassEncoder): void;
}

const PROXY = /* @__PURE__ */ uniformStruct('Proxy', { clipFromAvatar: 'mat4x4f' });

const FRAME = /* @__PURE__ */ uniformStruct('Frame', {
  clipFromAvatar: 'mat4x4f',
  avatarFromClip: 'mat4x4f',
  worldFromAvatar: 'mat4x4f',
  viewport: 'vec4f',
  materials: ['vec4f', 6],
  ...LIGHT_LAYOUT,
  ...OUTPUT_LAYOUT,
});

/** What `fixedUniforms` and `poseUniforms` give. */
const FIELD = /* @__PURE__ */ uniformStruct('Field', {
  sheetOrigin: ['vec3f', 2],
  sheetSize: ['vec3f', 2],
  sheetLayer: ['f32', 2],
  brickEdge: 'f32',
  brickRange: 'f32',
  brickTexel: 'vec3f',
  mouthLow: ['vec4f', 3],
  gridOrigin: ['vec3f', 3],
  gridPerMetre: 'f32',
  blockOrigin: ['vec3f', 6],
  blockLast: ['vec3f', 6],
  blockPerMetre: ['f32', 6],
  blockOffset: ['vec3f', 6],
  deformationTexel: 'vec3f',
  eyeRows: ['vec4f', 6],
  mouthRows: ['vec4f', 9],
  eyeShape: ['vec3f', 2],
  mouthHigh: ['vec4f', 3],
  mouthMin: 'vec3f',
  mouthMax: 'vec3f',
  boundsMin: 'vec3f',
  boundsMax: 'vec3f',
});

const BYTES_PER_TEXEL = { rgba8snorm: 4, rgba8uint: 4, r16float: 2, rg16float: 4, rgba16float: 8 } as const;

type Size = readonly [number, number, number];

/**
 * Creates the renderer of baked faces, the same picture as `createBakedRenderer`'s.
 *
 * @throws FaceError (in the promise) `NO_WEBGPU` without a device, `DEVICE_LOST` when it is lost already, `SHADER` when it refuses a shader or the target's formats.
 * @example
 * const renderer = await createWebGpuBakedRenderer({ device, format, fixed: baker.fixed });
 * renderer.setBake(await baker.bake(expression));
 * renderer.prepare(encoder, { clipFromCamera, cameraFromWorld, viewport: [0, 0, canvas.width, canvas.height] });
 * renderer.render(encoder.beginRenderPass(descriptor));
 */
export async function createWebGpuBakedRenderer(options: WebGpuBakedRendererOptions): Promise<WebGpuBakedRenderer> {
  const { fixed, gloss = {}, maxAnisotropy = 8, normalMap, format } = options;
  const { depthFormat, sampleCount } = mergeOptions<Required<Pick<WebGpuTargetOptions, 'depthFormat' | 'sampleCount'>>>(
    WEBGPU_TARGET_DEFAULTS,
    { depthFormat: options.depthFormat, sampleCount: options.sampleCount },
  );
  const resources = await keepDeviceResources('createWebGpuBakedRenderer', options.device, options.onLost);
  const { device, createBuffer, createTexture, free, checkOpen } = resources;
  const light = keepSurfaceLight(checkOpen);
  const proxyModule = await createShaderModule(device, 'proxy', proxyMain);
  const proxyPipeline = await createPipeline(device, {
    label: 'proxy',
    layout: 'auto',
    vertex: {
      module: proxyModule,
      buffers: [{ arrayStride: 12, attributes: [{ shaderLocation: 0, offset: 0, format: 'float32x3' }] }],
    },
    depthStencil: { format: 'depth32float', depthWriteEnabled: true, depthCompare: 'less' },
  });
  const module = await createShaderModule(
    device,
    'baked',
    FRAME.wgsl,
    FIELD.wgsl,
    fieldChunk,
    traceChunk,
    shadingChunk,
    surfaceLightChunk,
    surfaceChunk,
    outputChunk,
    ...reliefChunks(options),
    bakedMain,
  );
  const pipeline = await createPipeline(device, {
    label: 'baked',
    layout: 'auto',
    vertex: { module },
    fragment: { module, targets: [{ format }] },
    primitive: { cullMode: 'back' },
    depthStencil: { format: depthFormat, depthWriteEnabled: true, depthCompare: 'less-equal' },
    multisample: { count: sampleCount },
  });
  const uploader = await createImageUploader(resources);
  const albedoSampler = createImageSampler(device, maxAnisotropy);
  const partSampler = createImageSampler(device, 1);
  const volumeSampler = device.createSampler({ label: 'volume', magFilter: 'linear', minFilter: 'linear' });
  const proxyFrames = createFrameSlots(resources, PROXY, proxyPipeline.getBindGroupLayout(0));
  const frames = createFrameSlots(resources, FRAME, pipeline.getBindGroupLayout(0));

  const { template, parts: grids } = fixed;
  const volumes = {
    brickIndex: createVolume('rgba8uint', 'brick index', template.index.size, template.index.data),
    brickField: createVolume('rgba8snorm', 'brick field', template.fieldSize, template.field),
    brickUv: createVolume('rg16float', 'brick uv', template.uvSize, template.uv),
    partGrids: createVolume('r16float', 'part grids', grids.size, grids.distance),
  };
  const fieldBlock = new Float32Array(FIELD.byteLength / 4);
  FIELD.pack(numbersOf(fixedUniforms(fixed)), fieldBlock);
  const fieldBuffer = createBuffer('field', GPUBufferUsage.UNIFORM, fieldBlock);
  const proxies = partProxies(fixed);
  const materials = packGlosses(gloss);

  let bake: PosedBake | undefined;
  let deformation: { texture: GPUTexture; size: string; bindGroup: GPUBindGroup } | undefined;
  let proxy: { positions: GPUBuffer; indices: GPUBuffer; indexCount: number } | undefined;
  let proxyTarget: { texture: GPUTexture; size: string; bindGroup: GPUBindGroup } | undefined;
  let albedo = WHITE;
  let albedoTexture = uploader.create('albedo', [WHITE]);
  let partTexture = uploader.create('part albedos', partLayers({}));
  const reliefTexture = normalMap && uploader.create('normal map', [normalMap], 'linear');
  let images = bindImages();
  let prepared: GPUBindGroup | undefined;

  function createVolume(
    volumeFormat: keyof typeof BYTES_PER_TEXEL,
    label: string,
    size: Size,
    data: Uint8Array | Int8Array | Uint16Array,
  ): GPUTexture {
    const texture = createTexture({
      label,
      format: volumeFormat,
      dimension: '3d',
      size,
      usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST,
    });
    writeVolume(texture, data);
    return texture;
  }

  function writeVolume(texture: GPUTexture, data: Uint8Array | Int8Array | Uint16Array): void {
    const { width, height, depthOrArrayLayers } = texture;
    const bytesPerRow = width * BYTES_PER_TEXEL[texture.format as keyof typeof BYTES_PER_TEXEL];
    const layout = { bytesPerRow, rowsPerImage: height };
    device.queue.writeTexture({ texture }, data as Uint8Array<ArrayBuffer>, layout, [
      width,
      height,
      depthOrArrayLayers,
    ]);
  }

  function bindImages(): GPUBindGroup {
    return device.createBindGroup({
      label: 'images',
      layout: pipeline.getBindGroupLayout(2),
      entries: [
        { binding: 0, resource: albedoTexture.createView() },
        { binding: 1, resource: albedoSampler },
        { binding: 2, resource: partTexture.createView({ dimension: '2d-array' }) },
        { binding: 3, resource: partSampler },
        ...(reliefTexture ? [{ binding: 4, resource: reliefTexture.createView() }] : []),
      ],
    });
  }

  function uploadDeformation({ size, data }: PosedBake['volume']): void {
    const key = size.join();
    if (deformation?.size === key) {
      writeVolume(deformation.texture, data);
      return;
    }
    free(deformation?.texture);
    const texture = createVolume('rgba16float', 'deformation', size, data);
    const { brickIndex, brickField, brickUv, partGrids } = volumes;
    const bindGroup = device.createBindGroup({
      label: 'field',
      layout: pipeline.getBindGroupLayout(1),
      entries: [
        { binding: 0, resource: { buffer: fieldBuffer } },
        { binding: 1, resource: volumeSampler },
        ...[texture, brickIndex, brickField, brickUv, partGrids].map((volume, i) => ({
          binding: 2 + i,
          resource: volume.createView(),
        })),
      ],
    });
    deformation = { texture, size: key, bindGroup };
  }

  function targetFor(width: number, height: number): NonNullable<typeof proxyTarget> {
    const size = `${width} ${height}`;
    if (proxyTarget?.size === size) return proxyTarget;
    free(proxyTarget?.texture);
    const texture = createTexture({
      label: 'proxy depth',
      format: 'depth32float',
      size: [width, height],
      usage: GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.TEXTURE_BINDING,
    });
    const bindGroup = device.createBindGroup({
      label: 'proxy depth',
      layout: pipeline.getBindGroupLayout(3),
      entries: [{ binding: 0, resource: texture.createView() }],
    });
    proxyTarget = { texture, size, bindGroup };
    return proxyTarget;
  }

  return {
    setBake(given) {
      checkOpen('setBake');
      bake = given;
      uploadDeformation(given.volume);
      FIELD.pack(numbersOf(poseUniforms(fixed, given)), fieldBlock);
      device.queue.writeBuffer(fieldBuffer, 0, fieldBlock);
      free(proxy?.positions);
      free(proxy?.indices);
      const { positions, triangles } = proxyOfBake(fixed, proxies, given);
      proxy = {
        positions: createBuffer('proxy positions', GPUBufferUsage.VERTEX, positions),
        indices: createBuffer('proxy indices', GPUBufferUsage.INDEX, triangles),
        indexCount: triangles.length,
      };
    },

    setAlbedo(image: PartImage, region) {
      checkOpen('setAlbedo');
      const same = image.width === albedo.width && image.height === albedo.height;
      albedo = image;
      if (same) {
        uploader.update(albedoTexture, image, region);
        return;
      }
      free(albedoTexture);
      albedoTexture = uploader.create('albedo', [image]);
      images = bindImages();
    },

    setPartAlbedos(given) {
      checkOpen('setPartAlbedos');
      const layers = partLayers(given);
      free(partTexture);
      partTexture = uploader.create('part albedos', layers);
      images = bindImages();
    },

    ...light.setters,

    prepare(encoder, renderOptions) {
      checkOpen('prepare');
      if (!bake || !proxy) return;
      const { clipFromCamera, cameraFromWorld, worldFromAvatar = IDENTITY, viewport } = renderOptions;
      const clipFromAvatar = multiply4(clipFromCamera, multiply4(cameraFromWorld, worldFromAvatar));
      // The near plane may cut the proxies open: then rays begin at it, wherever they go.
      const cut = isCutByNear(clipFromAvatar, bake.bounds, 0);
      const pass = encoder.beginRenderPass({
        label: 'proxy',
        colorAttachments: [],
        depthStencilAttachment: {
          view: targetFor(viewport[2], viewport[3]).texture.createView(),
          depthClearValue: cut ? 0 : 1,
          depthLoadOp: 'clear',
          depthStoreOp: 'store',
        },
      });
      if (!cut) {
        pass.setPipeline(proxyPipeline);
        pass.setBindGroup(0, proxyFrames.next({ clipFromAvatar }));
        pass.setVertexBuffer(0, proxy.positions);
        pass.setIndexBuffer(proxy.indices, 'uint32');
        pass.drawIndexed(proxy.indexCount);
      }
      pass.end();
      prepared = frames.next({
        clipFromAvatar,
        avatarFromClip: invert4(clipFromAvatar),
        worldFromAvatar,
        viewport,
        materials,
        ...lightValues(light.current()),
        ...outputValues(renderOptions, format),
      });
    },

    render(pass) {
      checkOpen('render');
      if (!prepared || !deformation || !proxyTarget) return;
      pass.setPipeline(pipeline);
      [prepared, deformation.bindGroup, images, proxyTarget.bindGroup].forEach((group, i) => {
        pass.setBindGroup(i, group);
      });
      pass.draw(36);
    },

    dispose: resources.dispose,
  };
}

/** The numbers of uniforms, by name. */
function numbersOf<T extends Readonly<Record<string, readonly [number, Float32Array]>>>(
  uniforms: T,
): { [name in keyof T]: Float32Array } {
  return Object.fromEntries(Object.entries(uniforms).map(([name, [, numbers]]) => [name, numbers])) as {
    [name in keyof T]: Float32Array;
  };
}
