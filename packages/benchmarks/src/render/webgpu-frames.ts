// WebGPU's frames for `bench-render`.
import type { PartMesh } from '@implicit-faces/avatar';
import { FACE_GLOSS, type PosedBake, type RenderOptions, type StaticBake } from '@implicit-faces/renderer-webgl';
import {
  createWebGpuAvatarRenderer,
  createWebGpuBakedRenderer,
  toWebGpuClip,
} from '@implicit-faces/renderer-webgl/webgpu';

/** Medians of a frame's time, waited for, ms. */
export interface WebGpuFrames {
  /** Who draws: `google swiftshader` is software. */
  adapter: string;
  bakedMs: number;
  meshMs: number;
  /** What the baked path drew, a PNG as data URL. */
  picture: string;
}

export interface WebGpuScene {
  fixed: StaticBake;
  bake: PosedBake;
  /** The skin first, with its albedo. */
  meshes: readonly PartMesh[];
  lighting: Float32Array;
  camera: Pick<RenderOptions, 'clipFromCamera' | 'cameraFromWorld'>;
  /** Side of a frame, pixels: a multiple of 64. */
  size: number;
}

const FRAMES = 9;
const FORMAT = 'rgba8unorm';

/** Times both paths on a grey background, in turn. @returns `null` where there is no adapter. */
export async function timeWebGpuFrames(scene: WebGpuScene): Promise<WebGpuFrames | null> {
  const { fixed, bake, meshes, lighting, size } = scene;
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const device = await adapter.requestDevice();
  const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC;
  const attachment = (format: GPUTextureFormat) => device.createTexture({ format, size: [size, size], usage });
  const [colour, depth] = [attachment(FORMAT), attachment('depth24plus')];
  const [skin, ...parts] = meshes;
  const baked = await createWebGpuBakedRenderer({ device, format: FORMAT, fixed, gloss: FACE_GLOSS });
  baked.setAlbedo(skin.image);
  baked.setPartAlbedos(Object.fromEntries(parts.map(({ name, image }) => [name, image])));
  baked.setLighting(lighting);
  baked.setBake(bake);
  const mesh = await createWebGpuAvatarRenderer({ device, format: FORMAT, gloss: FACE_GLOSS });
  mesh.setMeshes([...meshes]);
  mesh.setLighting(lighting);
  const camera = { ...scene.camera, clipFromCamera: toWebGpuClip(scene.camera.clipFromCamera) };
  const frame = (render: (pass: GPURenderPassEncoder) => void, before?: (encoder: GPUCommandEncoder) => void) => {
    const encoder = device.createCommandEncoder();
    before?.(encoder);
    const pass = encoder.beginRenderPass({
      colorAttachments: [
        {
          view: colour.createView(),
          clearValue: [0.3, 0.3, 0.3, 1],
          loadOp: 'clear',
          storeOp: 'store',
        },
      ],
      depthStencilAttachment: {
        view: depth.createView(),
        depthClearValue: 1,
        depthLoadOp: 'clear',
        depthStoreOp: 'discard',
      },
    });
    render(pass);
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
  const drawBaked = () =>
    frame(
      (pass) => baked.render(pass),
      (encoder) => baked.prepare(encoder, { ...camera, viewport: [0, 0, size, size] }),
    );
  const draws = [drawBaked, () => frame((pass) => mesh.render(pass, camera))];
  const times: number[][] = draws.map(() => []);
  for (let n = -1; n < FRAMES; n++) {
    for (const [i, draw] of draws.entries()) {
      const begin = performance.now();
      draw();
      await device.queue.onSubmittedWorkDone();
      if (n >= 0) times[i].push(performance.now() - begin);
    }
  }
  const [bakedMs, meshMs] = times.map((list) => list.sort((a, b) => a - b)[FRAMES >> 1]);
  drawBaked();
  const picture = await readPicture(device, colour);
  baked.dispose();
  mesh.dispose();
  device.destroy();
  const { vendor, architecture } = adapter.info;
  return { adapter: `${vendor} ${architecture}`.trim(), bakedMs, meshMs, picture };
}

/** A texture of `FORMAT` as a PNG. */
async function readPicture(device: GPUDevice, texture: GPUTexture): Promise<string> {
  const { width, height } = texture;
  const bytesPerRow = 4 * width;
  const buffer = device.createBuffer({
    size: bytesPerRow * height,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
  device.queue.submit([encoder.finish()]);
  await buffer.mapAsync(GPUMapMode.READ);
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pixels = new Uint8ClampedArray(buffer.getMappedRange().slice(0));
  canvas.getContext('2d')!.putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas.toDataURL();
}
