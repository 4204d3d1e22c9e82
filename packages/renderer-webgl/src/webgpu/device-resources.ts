/// <reference types="@webgpu/types" />
import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from '../errors.js';

/** What a renderer keeps on a device. */
export interface DeviceResources {
  readonly device: GPUDevice;
  /** A buffer that holds `data`. */
  createBuffer(label: string, usage: GPUBufferUsageFlags, data: ArrayBufferView): GPUBuffer;
  createTexture(descriptor: GPUTextureDescriptor): GPUTexture;
  /** Frees one; nothing when there is none. */
  free(resource: GPUBuffer | GPUTexture | undefined): void;
  /** @throws FaceError `DISPOSED` after `dispose`, `DEVICE_LOST` once the device is lost; the message begins with the method's name. */
  checkOpen(who: string): void;
  /** Frees everything. The device stays its owner's. */
  dispose(): void;
}

/**
 * Keeps account of buffers and textures, and of the device's loss, which is for good: another device has to be asked for.
 *
 * @param onLost - called when the device is lost before `dispose`.
 * @throws FaceError `NO_WEBGPU` without a device, `DEVICE_LOST` when it is lost already.
 */
export async function keepDeviceResources(
  who: string,
  device: GPUDevice | null | undefined,
  onLost?: (error: FaceError) => void,
): Promise<DeviceResources> {
  if (!device || !('createRenderPipelineAsync' in device)) {
    throw new FaceError<RendererErrorCode>(
      'NO_WEBGPU',
      `${who}: device should be a GPUDevice; received ${device ? 'something else' : String(device)}. Where navigator.gpu or its adapter is missing, draw with WebGL2.`,
    );
  }
  const alive = new Set<GPUBuffer | GPUTexture>();
  let loss: GPUDeviceLostInfo | undefined;
  let disposed = false;
  const lostError = (method: string) =>
    new FaceError<RendererErrorCode>(
      'DEVICE_LOST',
      `${method}: the device is lost (${loss?.message || loss?.reason || 'unknown reason'}). Ask the adapter for another and create the renderer anew.`,
    );
  device.lost.then((info) => {
    loss = info;
    if (!disposed) onLost?.(lostError(who));
  });
  // Of a device that is lost already the line above has heard by now.
  await Promise.resolve();
  if (loss) throw lostError(who);
  return {
    device,
    createBuffer(label, usage, data) {
      const buffer = device.createBuffer({
        label,
        usage: usage | GPUBufferUsage.COPY_DST,
        size: Math.max(Math.ceil(data.byteLength / 4) * 4, 4),
      });
      alive.add(buffer);
      device.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      return buffer;
    },
    createTexture(descriptor) {
      const texture = device.createTexture(descriptor);
      alive.add(texture);
      return texture;
    },
    free(resource) {
      if (!resource || !alive.delete(resource)) return;
      resource.destroy();
    },
    checkOpen(method) {
      if (disposed)
        throw new FaceError<RendererErrorCode>('DISPOSED', `${method}: this renderer was disposed of. Create another.`);
      if (loss) throw lostError(method);
    },
    dispose() {
      disposed = true;
      for (const resource of alive) resource.destroy();
      alive.clear();
    },
  };
}
