/// <reference types="@webgpu/types" />
/// <reference path="../wgsl.d.ts" />
import type { SdfModel } from '@implicit-faces/sdf-core';
import type { UvModel } from '@implicit-faces/uv-param';
import { EXACT_RENDER_DEFAULTS, type ExactRenderOptions } from '../exact-renderer.js';
import { traceTiles } from '../exact-tiles.js';
import { multiply4 } from '../matrices.js';
import { packGlosses, partLayers } from '../part-maps.js';
import outputChunk from '../shaders/chunks/output.wgsl';
import shadingChunk from '../shaders/chunks/shading.wgsl';
import surfaceChunk from '../shaders/chunks/surface.wgsl';
import surfaceLightChunk from '../shaders/chunks/surface-light.wgsl';
import deferredMain from '../shaders/deferred.wgsl';
import { createSurfaceLight } from '../surface-light.js';
import { keepDeviceResources } from './device-resources.js';
import {
  createFrameSlots,
  LIGHT_LAYOUT,
  lightValues,
  OUTPUT_LAYOUT,
  outputValues,
  WEBGPU_TARGET_DEFAULTS,
  type WebGpuTargetOptions,
} from './frame.js';
import { reliefChunks } from './relief.js';
import { createPipeline, createShaderModule } from './shader-module.js';
import { createImageSampler, createImageUploader } from './textures.js';
import { uniformStruct } from './uniform-struct.js';

export interface WebGpuExactRenderOptions
  extends Omit<ExactRenderOptions, 'framebuffer' | 'viewport' | 'clipFromCamera'>,
    Omit<WebGpuTargetOptions, 'onLost' | 'sampleCount'> {
  /** Projection, 16 numbers, column-major, camera space to WebGPU's clip space, where depth is 0 to 1. */
  clipFromCamera: ArrayLike<number>;
  /** `[x, y, width, height]`, pixels from the top left. */
  viewport: readonly [number, number, number, number];
  /** What is drawn into, cleared by the caller: views of `format` and of `depthFormat`, which the device may be told to draw into until the promise is settled. */
  colour: GPUTextureView;
  depth: GPUTextureView;
}

const FRAME = /* @__PURE__ */ uniformStruct('Frame', {
  tileOrigin: 'vec2f',
  showParts: 'f32',
  materials: ['vec4f', 6],
  ...LIGHT_LAYOUT,
  ...OUTPUT_LAYOUT,
});

/** WebGPU's clip space (column-major) to WebGL's upside down, whose tiles' rows then begin at the top. */
const WEBGL_FROM_WEBGPU = [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, -1, 1] as const;

/**
 * Draws the face from its networks, without any bake, the same picture as `renderExact`'s: one submission for each tile, so that none lasts long. The networks run
 * wherever the model's runtime runs them; depth is written and tested.
 *
 * @throws FaceError (in the promise) `NO_WEBGPU` without a device, `DEVICE_LOST` when it is or gets lost, `SHADER` when it refuses the target's formats. An abort rejects with the signal's reason.
 */
export async function renderWebGpuExact(
  model: { sdf: SdfModel; uv: UvModel },
  options: WebGpuExactRenderOptions,
): Promise<void> {
  const { colour, depth, format, gloss = {}, showParts } = options;
  const { tileSize = EXACT_RENDER_DEFAULTS.tileSize, depthFormat = WEBGPU_TARGET_DEFAULTS.depthFormat } = options;
  const light = createSurfaceLight(options.lighting, options.lights);
  const [x0, y0] = options.viewport;
  const resources = await keepDeviceResources('renderWebGpuExact', options.device);
  const { device, createTexture, free, checkOpen } = resources;
  try {
    const module = await createShaderModule(
      device,
      'deferred',
      FRAME.wgsl,
      shadingChunk,
      surfaceLightChunk,
      surfaceChunk,
      outputChunk,
      ...reliefChunks(options),
      deferredMain,
    );
    const pipeline = await createPipeline(device, {
      label: 'deferred',
      layout: 'auto',
      vertex: { module },
      fragment: { module, targets: [{ format }] },
      depthStencil: { format: depthFormat, depthWriteEnabled: true, depthCompare: 'less-equal' },
    });
    const uploader = await createImageUploader(resources);
    const frames = createFrameSlots(resources, FRAME, pipeline.getBindGroupLayout(0));
    const parts = uploader.create('part albedos', partLayers(options.partAlbedos));
    const images = device.createBindGroup({
      label: 'images',
      layout: pipeline.getBindGroupLayout(2),
      entries: [
        uploader.create('albedo', [options.albedo]).createView(),
        createImageSampler(device, 8),
        parts.createView({ dimension: '2d-array' }),
        createImageSampler(device, 1),
        ...(options.normalMap ? [uploader.create('normal map', [options.normalMap], 'linear').createView()] : []),
      ].map((resource, binding) => ({ binding, resource })),
    });
    const clipFromCamera = multiply4(WEBGL_FROM_WEBGPU, options.clipFromCamera);
    for await (const { x, y, width, height, layers } of traceTiles(model, { ...options, clipFromCamera, tileSize })) {
      const textures = layers.map((data) => {
        const texture = createTexture({
          label: 'tile',
          format: 'rgba32float',
          size: [width, height],
          usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST,
        });
        device.queue.writeTexture({ texture }, data as Float32Array<ArrayBuffer>, { bytesPerRow: 16 * width }, [
          width,
          height,
        ]);
        return texture;
      });
      const encoder = device.createCommandEncoder({ label: 'tile' });
      const pass = encoder.beginRenderPass({
        label: 'tile',
        colorAttachments: [{ view: colour, loadOp: 'load', storeOp: 'store' }],
        depthStencilAttachment: { view: depth, depthLoadOp: 'load', depthStoreOp: 'store' },
      });
      pass.setPipeline(pipeline);
      const frame = frames.next({
        tileOrigin: [x0 + x, y0 + y],
        showParts: Number(showParts ?? false),
        materials: packGlosses(gloss),
        ...lightValues(light),
        ...outputValues(options, format),
      });
      const tile = device.createBindGroup({
        label: 'tile',
        layout: pipeline.getBindGroupLayout(1),
        entries: textures.map((texture, binding) => ({ binding, resource: texture.createView() })),
      });
      [frame, tile, images].forEach((group, i) => {
        pass.setBindGroup(i, group);
      });
      pass.setViewport(x0 + x, y0 + y, width, height, 0, 1);
      pass.draw(3);
      pass.end();
      device.queue.submit([encoder.finish()]);
      // Also so that the page's own work is not queued behind all tiles. A lost device may refuse, which the check tells.
      await device.queue.onSubmittedWorkDone().catch(() => undefined);
      checkOpen('renderWebGpuExact');
      for (const texture of textures) free(texture);
    }
  } finally {
    resources.dispose();
  }
}
