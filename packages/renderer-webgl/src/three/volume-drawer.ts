import { type Camera, type Material, NeutralToneMapping, type WebGLRenderer } from 'three';
import type { WebGPURenderer } from 'three/webgpu';
import { type BakedRenderer, type BakedRendererOptions, createBakedRenderer } from '../baked-renderer.js';

/** What draws an `AvatarVolume` with one of three.js' renderers. */
export interface VolumeDrawer
  extends Pick<BakedRenderer, 'setBake' | 'setAlbedo' | 'setPartAlbedos' | 'setLighting' | 'setLights' | 'dispose'> {
  /** What three.js draws the volume's box with. That of the volume's own, which shows nothing, when absent. */
  material?: Material;
  /** In the midst of three.js' pass, before it draws the box. @param worldFromAvatar - 16 numbers, column-major. */
  draw(camera: Camera, worldFromAvatar: ArrayLike<number>): void;
}

/** Draws straight into the target of WebGLRenderer, or of a WebGPURenderer that fell back to WebGL2. */
export function createWebGlVolumeDrawer(
  renderer: WebGLRenderer | WebGPURenderer,
  options: Pick<BakedRendererOptions, 'fixed' | 'gloss' | 'normalMap' | 'normalScale'>,
): VolumeDrawer {
  const gl = renderer.getContext() as WebGL2RenderingContext;
  const baked = createBakedRenderer({ gl, ...options });
  return {
    ...baked,
    draw(camera, worldFromAvatar) {
      // What was drawn before may have closed it, and three.js remembers that.
      const [red, green, blue, alpha] = gl.getParameter(gl.COLOR_WRITEMASK);
      gl.colorMask(true, true, true, true);
      baked.render({
        clipFromCamera: camera.projectionMatrix.elements,
        cameraFromWorld: camera.matrixWorldInverse.elements,
        worldFromAvatar,
        // What three.js draws into a target is mapped and encoded by a later pass; WebGPURenderer always has one.
        ...(!('isWebGLRenderer' in renderer) || renderer.getRenderTarget()
          ? { outputColourSpace: 'srgb-linear' }
          : renderer.toneMapping === NeutralToneMapping && {
              toneMapping: 'neutral',
              exposure: renderer.toneMappingExposure,
            }),
      });
      gl.colorMask(red, green, blue, alpha);
    },
  };
}
