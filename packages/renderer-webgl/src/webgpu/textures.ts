/// <reference types="@webgpu/types" />
/// <reference path="../wgsl.d.ts" />
import mipmapMain from '../shaders/mipmap.wgsl';
import type { PartImage } from '../types.js';
import type { DeviceResources } from './device-resources.js';
import { createPipeline, createShaderModule } from './shader-module.js';

/** What an image's bytes are: with `srgb` filtering and the values read are in linear light. */
const IMAGE_FORMATS = { srgb: 'rgba8unorm-srgb', linear: 'rgba8unorm' } as const;
export type ImageEncoding = keyof typeof IMAGE_FORMATS;

/** Uploads images, with mipmaps. */
export interface ImageUploader {
  /** A texture of one layer, or of as many as there are images; these are of one size. */
  create(label: string, images: readonly PartImage[], encoding?: ImageEncoding): GPUTexture;
  /** Another image in place of the first, of the same size. @param region - `[x, y, width, height]` of what changed, texels. All of it when absent. */
  update(texture: GPUTexture, image: PartImage, region?: readonly [number, number, number, number]): void;
}

export async function createImageUploader(resources: DeviceResources): Promise<ImageUploader> {
  const { device } = resources;
  const module = await createShaderModule(device, 'mipmap', mipmapMain);
  const createMipmapPipeline = (format: GPUTextureFormat) =>
    createPipeline(device, {
      label: 'mipmap',
      layout: 'auto',
      vertex: { module },
      fragment: { module, targets: [{ format }] },
    });
  const pipelines: Record<string, GPURenderPipeline> = {};
  for (const format of Object.values(IMAGE_FORMATS)) pipelines[format] = await createMipmapPipeline(format);
  const sampler = device.createSampler({ label: 'mipmap', magFilter: 'linear', minFilter: 'linear' });

  function write(
    texture: GPUTexture,
    { data, width }: PartImage,
    layer: number,
    [x, y, w, h]: readonly [number, number, number, number],
  ): void {
    const offset = data.byteOffset + 4 * (y * width + x);
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, offset, 4 * ((h - 1) * width + w));
    device.queue.writeTexture({ texture, origin: [x, y, layer] }, bytes, { bytesPerRow: 4 * width }, [w, h]);
  }

  function fillLevels(texture: GPUTexture): void {
    const encoder = device.createCommandEncoder({ label: 'mipmap' });
    const pipeline = pipelines[texture.format];
    for (let layer = 0; layer < texture.depthOrArrayLayers; layer++) {
      const level = (baseMipLevel: number) =>
        texture.createView({
          dimension: '2d',
          baseArrayLayer: layer,
          arrayLayerCount: 1,
          baseMipLevel,
          mipLevelCount: 1,
        });
      for (let i = 1; i < texture.mipLevelCount; i++) {
        const pass = encoder.beginRenderPass({
          label: 'mipmap',
          colorAttachments: [{ view: level(i), loadOp: 'clear', storeOp: 'store' }],
        });
        pass.setPipeline(pipeline);
        pass.setBindGroup(
          0,
          device.createBindGroup({
            layout: pipeline.getBindGroupLayout(0),
            entries: [
              { binding: 0, resource: level(i - 1) },
              { binding: 1, resource: sampler },
            ],
          }),
        );
        pass.draw(3);
        pass.end();
      }
    }
    device.queue.submit([encoder.finish()]);
  }

  return {
    create(label, images, encoding = 'srgb') {
      const { width, height } = images[0];
      const texture = resources.createTexture({
        label,
        format: IMAGE_FORMATS[encoding],
        size: [width, height, images.length],
        mipLevelCount: 1 + Math.floor(Math.log2(Math.max(width, height))),
        usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT,
      });
      images.forEach((image, layer) => write(texture, image, layer, [0, 0, width, height]));
      fillLevels(texture);
      return texture;
    },

    update(texture, image, region = [0, 0, image.width, image.height]) {
      write(texture, image, 0, region);
      fillLevels(texture);
    },
  };
}

/** A sampler for images with mipmaps, clamped to their edges. */
export function createImageSampler(device: GPUDevice, maxAnisotropy: number): GPUSampler {
  return device.createSampler({
    label: 'image',
    magFilter: 'linear',
    minFilter: 'linear',
    mipmapFilter: 'linear',
    maxAnisotropy,
  });
}
