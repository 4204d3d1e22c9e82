import { type Camera, type Scene, type WebGLRenderer, WebGLRenderTarget } from 'three';
import { RenderTarget, type RenderTargetOptions, type WebGPURenderer } from 'three/webgpu';

/** A scene on a transparent ground, `[H, W, 4]`, linear, the top row first. */
export function drawWebGl(
  renderer: WebGLRenderer,
  scene: Scene,
  camera: Camera,
  size: number,
  options: RenderTargetOptions = {},
): Uint8Array {
  const target = new WebGLRenderTarget(size, size, options);
  const pixels = new Uint8Array(4 * size * size);
  renderer.setRenderTarget(target);
  renderer.setClearColor(0, 0);
  renderer.render(scene, camera);
  renderer.readRenderTargetPixels(target, 0, 0, size, size, pixels);
  renderer.setRenderTarget(null);
  target.dispose();
  return flipRows(pixels, size);
}

/** WebGL's first row is the lowest. */
function flipRows(pixels: Uint8Array, size: number): Uint8Array {
  const rows = Array.from({ length: size }, (_, y) => pixels.slice(4 * size * y, 4 * size * (y + 1)));
  rows.reverse().forEach((row, y) => pixels.set(row, 4 * size * y));
  return pixels;
}

/** The same with WebGPURenderer. @param viewport - `[x, y, width, height]` of what is drawn into, all of it when absent. */
export async function drawWebGpu(
  renderer: WebGPURenderer,
  scene: Scene,
  camera: Camera,
  size: number,
  {
    viewport,
    render = () => renderer.render(scene, camera),
    ...options
  }: RenderTargetOptions & { viewport?: readonly [number, number, number, number]; render?: () => void } = {},
): Promise<Uint8Array> {
  const target = new RenderTarget(size, size, options);
  if (viewport) target.viewport.set(...viewport);
  renderer.setRenderTarget(target);
  renderer.setClearColor(0, 0);
  try {
    render();
  } finally {
    renderer.setRenderTarget(null);
  }
  const pixels = (await renderer.readRenderTargetPixelsAsync(target, 0, 0, size, size)) as Uint8Array;
  target.dispose();
  return 'isWebGPUBackend' in renderer.backend ? pixels : flipRows(pixels, size);
}
