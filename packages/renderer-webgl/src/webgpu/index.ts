export {
  createWebGpuAvatarRenderer,
  type WebGpuAvatarRenderer,
  type WebGpuAvatarRendererOptions,
} from './avatar-renderer.js';
export { toWebGpuClip, type WebGpuRenderOptions, type WebGpuTargetOptions } from './frame.js';
