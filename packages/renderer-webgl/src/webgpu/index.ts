export {
  createWebGpuAvatarRenderer,
  type WebGpuAvatarRenderer,
  type WebGpuAvatarRendererOptions,
} from './avatar-renderer.js';
export {
  createWebGpuBakedRenderer,
  type WebGpuBakedRenderer,
  type WebGpuBakedRendererOptions,
  type WebGpuBakedRenderOptions,
} from './baked-renderer.js';
export { renderWebGpuExact, type WebGpuExactRenderOptions } from './exact-renderer.js';
export { toWebGpuClip, type WebGpuRenderOptions, type WebGpuTargetOptions } from './frame.js';
