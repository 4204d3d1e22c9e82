/// <reference types="@webgpu/types" />
/** Undefined, with a warning, where the browser has no WebGPU. */
export async function requestDevice(): Promise<GPUDevice | undefined> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    console.warn(`${'!'.repeat(100)}\n!! This Chromium has no WebGPU, so ITS TESTS DO NOT RUN.\n${'!'.repeat(100)}`);
    return undefined;
  }
  const device = await adapter.requestDevice();
  device.addEventListener('uncapturederror', ({ error }) => {
    console.error(error.message);
  });
  return device;
}

/** A square texture with depth, cleared when a pass begins. */
export function createGpuTarget(
  device: GPUDevice,
  size: number,
  { format = 'rgba8unorm', sampleCount = 1 }: { format?: GPUTextureFormat; sampleCount?: number } = {},
) {
  const texture = (textureFormat: GPUTextureFormat, samples: number, usage: number) =>
    device.createTexture({ format: textureFormat, size: [size, size], sampleCount: samples, usage });
  const resolved = texture(format, 1, GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC);
  const drawn = sampleCount > 1 ? texture(format, sampleCount, GPUTextureUsage.RENDER_ATTACHMENT) : resolved;
  const depth = texture('depth24plus', sampleCount, GPUTextureUsage.RENDER_ATTACHMENT);
  return {
    format,
    colourView: () => drawn.createView(),
    depthView: () => depth.createView(),
    /** Records one pass, after what `before` records. */
    draw(render: (pass: GPURenderPassEncoder) => void, before?: (encoder: GPUCommandEncoder) => void): void {
      const encoder = device.createCommandEncoder();
      before?.(encoder);
      const pass = encoder.beginRenderPass({
        colorAttachments: [
          {
            view: drawn.createView(),
            resolveTarget: sampleCount > 1 ? resolved.createView() : undefined,
            loadOp: 'clear',
            storeOp: 'store',
          },
        ],
        depthStencilAttachment: {
          view: depth.createView(),
          depthClearValue: 1,
          depthLoadOp: 'clear',
          depthStoreOp: 'store',
        },
      });
      render(pass);
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    /** `[H, W, 4]`, the top row first. */
    async readBytes(): Promise<Uint8Array> {
      const bytesPerRow = Math.ceil((4 * size) / 256) * 256;
      const buffer = device.createBuffer({
        size: bytesPerRow * size,
        usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
      });
      const encoder = device.createCommandEncoder();
      encoder.copyTextureToBuffer({ texture: resolved }, { buffer, bytesPerRow }, [size, size]);
      device.queue.submit([encoder.finish()]);
      await buffer.mapAsync(GPUMapMode.READ);
      const rows = new Uint8Array(buffer.getMappedRange());
      const pixels = new Uint8Array(4 * size * size);
      for (let y = 0; y < size; y++)
        pixels.set(rows.subarray(y * bytesPerRow, y * bytesPerRow + 4 * size), 4 * size * y);
      buffer.destroy();
      return pixels;
    },
  };
}

/** Counts what a device has made and not destroyed, by kind. */
export function countAlive(device: GPUDevice): { buffers: number; textures: number } {
  const alive = { buffers: 0, textures: 0 };
  const watch = (kind: keyof typeof alive, method: 'createBuffer' | 'createTexture') => {
    const make = device[method].bind(device) as (descriptor: unknown) => GPUBuffer | GPUTexture;
    Object.assign(device, {
      [method](descriptor: unknown) {
        const made = make(descriptor);
        alive[kind]++;
        const destroy = made.destroy.bind(made);
        made.destroy = () => {
          alive[kind]--;
          return destroy();
        };
        return made;
      },
    });
  };
  watch('buffers', 'createBuffer');
  watch('textures', 'createTexture');
  return alive;
}

/** How alike two pictures are, RGBA, transparent where nothing was drawn. */
export function comparePictures(
  a: Uint8Array,
  b: Uint8Array,
): { meanColourDiff: number; iou: number; covered: number } {
  let [both, either, sum] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 4) {
    if (!a[i + 3] && !b[i + 3]) continue;
    either++;
    if (a[i + 3] && b[i + 3]) both++;
    for (let c = 0; c < 3; c++) sum += Math.abs(a[i + c] - b[i + c]);
  }
  return { meanColourDiff: sum / (3 * either), iou: both / either, covered: either };
}
