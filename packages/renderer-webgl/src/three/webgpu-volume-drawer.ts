/// <reference types="@webgpu/types" />
import { BackSide, DepthTexture, FloatType, HalfFloatType, Matrix4, type Texture, Vector2, Vector4 } from 'three';
import {
  cameraFar,
  cameraNear,
  cameraProjectionMatrix,
  float,
  ivec2,
  modelViewMatrix,
  perspectiveDepthToViewZ,
  positionLocal,
  screenCoordinate,
  textureLoad,
  uniform,
  vec4,
  viewZToLogarithmicDepth,
} from 'three/tsl';
import { MeshBasicNodeMaterial, RenderTarget, type WebGPURenderer } from 'three/webgpu';
import { createWebGpuBakedRenderer, type WebGpuBakedRendererOptions } from '../webgpu/baked-renderer.js';
import type { VolumeDrawer } from './volume-drawer.js';

/** Depth from 1 at the near plane to 0, as a reversed depth buffer has it, taken back to 0 to 1. */
const UNREVERSED = /* @__PURE__ */ new Matrix4().set(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 1, 0, 0, 0, 1);

/**
 * Draws into textures of its own, submitted before the pass that three.js is recording, and lets a node material bring colour and depth into that pass. So
 * three.js builds every pipeline that touches its targets, whatever their formats, samples and number, and maps tones and encodes as for all else.
 *
 * @param renderer - initialised, with a WebGPU backend.
 */
export async function createWebGpuVolumeDrawer(
  renderer: WebGPURenderer,
  options: Pick<WebGpuBakedRendererOptions, 'fixed' | 'gloss' | 'normalMap' | 'normalScale' | 'onLost'>,
): Promise<VolumeDrawer> {
  const backend = renderer.backend as unknown as { device: GPUDevice; get(texture: Texture): { texture: GPUTexture } };
  const { device } = backend;
  const baked = await createWebGpuBakedRenderer({
    device,
    format: 'rgba16float',
    depthFormat: 'depth32float',
    ...options,
  });
  const target = new RenderTarget(1, 1, { type: HalfFloatType, depthTexture: new DepthTexture(1, 1, FloatType) });
  const origin = new Vector2();
  const material = createMaterial(renderer, target, origin);
  const viewport = new Vector4();
  const clipFromCamera = new Matrix4();
  const viewOf = (texture: Texture) => backend.get(texture).texture.createView();

  return {
    ...baked,
    material,

    draw(camera, worldFromAvatar) {
      readViewport(renderer, viewport);
      const { x, y, z: width, w: height } = viewport;
      origin.set(x, y);
      target.setSize(width, height);
      renderer.initRenderTarget(target);
      clipFromCamera.copy(camera.projectionMatrix);
      if (renderer.reversedDepthBuffer) clipFromCamera.premultiply(UNREVERSED);
      const encoder = device.createCommandEncoder({ label: 'avatar volume' });
      baked.prepare(encoder, {
        clipFromCamera: clipFromCamera.elements,
        cameraFromWorld: camera.matrixWorldInverse.elements,
        worldFromAvatar,
        viewport: [0, 0, width, height],
        outputColourSpace: 'srgb-linear',
      });
      const pass = encoder.beginRenderPass({
        label: 'avatar volume',
        colorAttachments: [{ view: viewOf(target.texture), loadOp: 'clear', storeOp: 'store' }],
        depthStencilAttachment: {
          view: viewOf(target.depthTexture!),
          depthClearValue: 1,
          depthLoadOp: 'clear',
          depthStoreOp: 'store',
        },
      });
      baked.render(pass);
      pass.end();
      device.queue.submit([encoder.finish()]);
    },

    dispose() {
      baked.dispose();
      target.depthTexture!.dispose();
      target.dispose();
      material.dispose();
    },
  };
}

/** `[x, y, width, height]` of what is drawn into at the moment, pixels from the top left. */
function readViewport(renderer: WebGPURenderer, out: Vector4): void {
  const target = renderer.getRenderTarget();
  if (target) out.copy(target.viewport);
  else renderer.getViewport(out).multiplyScalar(renderer.getPixelRatio());
  out.floor();
  // Of a smaller level of the target, as three.js has it.
  const level = renderer.getActiveMipmapLevel();
  out.z = Math.max(out.z >> level, 1);
  out.w = Math.max(out.w >> level, 1);
}

/** Copies what was drawn, pixel by pixel. @param origin - of the viewport, where the target's first texel goes. */
function createMaterial(renderer: WebGPURenderer, target: RenderTarget, origin: Vector2): MeshBasicNodeMaterial {
  const texel = ivec2(screenCoordinate.sub(uniform(origin)));
  const depth = textureLoad(target.depthTexture!, texel).x;
  // The box's inner sides, so that each pixel is drawn once, from inside as well; no plane cuts them, for their depth is not used.
  const clip = cameraProjectionMatrix.mul(modelViewMatrix).mul(vec4(positionLocal, 1)).toVar();
  const material = new MeshBasicNodeMaterial({ side: BackSide, fog: false, toneMapped: false });
  material.name = 'avatar volume';
  material.allowOverride = false;
  material.vertexNode = vec4(clip.xy, clip.w.mul(0.5), clip.w);
  material.colorNode = vec4(textureLoad(target.texture, texel).rgb, 1);
  material.maskNode = depth.lessThan(1);
  if (renderer.reversedDepthBuffer) material.depthNode = float(1).sub(depth);
  else if (renderer.logarithmicDepthBuffer)
    material.depthNode = viewZToLogarithmicDepth(
      perspectiveDepthToViewZ(depth, cameraNear, cameraFar),
      cameraNear,
      cameraFar,
    );
  else material.depthNode = depth;
  return material;
}
