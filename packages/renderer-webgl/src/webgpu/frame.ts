/// <reference types="@webgpu/types" />
/// <reference path="../wgsl.d.ts" />
import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from '../errors.js';
import { MAX_LIGHTS, type SurfaceLight } from '../surface-light.js';
import type { RenderOptions } from '../types.js';
import type { DeviceResources } from './device-resources.js';
import type { StructLayout, UniformStruct } from './uniform-struct.js';

/** What a WebGPU renderer draws into. */
export interface WebGpuTargetOptions {
  /** Of `adapter.requestDevice()`; a missing one is refused with a clear error. Limits and features beyond the defaults are not needed. */
  device: GPUDevice | null | undefined;
  /** Of the colour attachment that is drawn into, for example `navigator.gpu.getPreferredCanvasFormat()`. */
  format: GPUTextureFormat;
  /** Of the depth attachment. */
  depthFormat?: GPUTextureFormat;
  /** Samples a pixel of both. */
  sampleCount?: number;
  /** Called when the device is lost, which is for good, with the error that every method throws from then on. */
  onLost?: (error: FaceError) => void;
}

export const WEBGPU_TARGET_DEFAULTS = { depthFormat: 'depth24plus', sampleCount: 1 } as const;

/** What this frame is drawn with. Clearing, scissor, viewport and stencil stay the caller's. */
export interface WebGpuRenderOptions
  extends Pick<RenderOptions, 'cameraFromWorld' | 'outputColourSpace' | 'toneMapping' | 'exposure'> {
  /** Projection, 16 numbers, column-major, camera space to WebGPU's clip space, where depth is 0 to 1; `toWebGpuClip` makes it of WebGL's. Nearer has to be smaller. */
  clipFromCamera: ArrayLike<number>;
}

/** Members of `frame` that shaders/chunks/surface-light.wgsl reads. */
export const LIGHT_LAYOUT = {
  lighting: ['vec3f', 9],
  reflected: ['vec3f', 9],
  lightPlaces: ['vec4f', MAX_LIGHTS + 1],
  lightColours: ['vec3f', MAX_LIGHTS + 1],
  lightCount: 'f32',
} as const satisfies StructLayout;

/** Members of `frame` that shaders/chunks/output.wgsl reads. */
export const OUTPUT_LAYOUT = {
  exposure: 'f32',
  toneMapped: 'f32',
  encodeOutput: 'f32',
} as const satisfies StructLayout;

/** What `LIGHT_LAYOUT` holds. */
export function lightValues({ lighting, reflected, places, colours }: SurfaceLight) {
  return { lighting, reflected, lightPlaces: places, lightColours: colours, lightCount: colours.length / 3 };
}

/** What `OUTPUT_LAYOUT` holds. Targets of 8 bits are encoded unless the format does it. */
export function outputValues(
  { outputColourSpace, toneMapping, exposure }: WebGpuRenderOptions,
  format: GPUTextureFormat,
): { exposure: number; toneMapped: number; encodeOutput: number } {
  const space = outputColourSpace ?? (/8unorm$|10unorm$/.test(format) ? 'srgb' : 'srgb-linear');
  return {
    exposure: exposure ?? 1,
    toneMapped: Number(toneMapping === 'neutral'),
    encodeOutput: Number(space === 'srgb'),
  };
}

/**
 * WebGPU's projection (depth 0 to 1) of WebGL's (-1 to 1), as `computeClipFromCamera` and gl-matrix' `mat4.perspective` make it.
 *
 * @param clipFromCamera - 16 numbers, column-major.
 * @throws FaceError `SHAPE` when they are not 16.
 */
export function toWebGpuClip(clipFromCamera: ArrayLike<number>): Float32Array {
  if (clipFromCamera.length !== 16) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `toWebGpuClip: clipFromCamera should be [4, 4]; received ${clipFromCamera.length} numbers.`,
    );
  }
  return Float32Array.from(clipFromCamera, (value, i) => (i % 4 === 2 ? (value + clipFromCamera[i + 1]) / 2 : value));
}

/** How many different cameras one submission to the queue may hold: what is written to a buffer is written before the submission begins. */
const SLOTS = 16;

/** Uniform blocks for the frames that are on their way, one after another. */
export interface FrameSlots<L extends StructLayout> {
  /** Fills the next block. @returns the bind group that holds it. */
  next(values: Parameters<UniformStruct<L>['pack']>[0]): GPUBindGroup;
}

export function createFrameSlots<L extends StructLayout>(
  { device, createBuffer }: DeviceResources,
  struct: UniformStruct<L>,
  layout: GPUBindGroupLayout,
): FrameSlots<L> {
  const stride =
    Math.ceil(struct.byteLength / device.limits.minUniformBufferOffsetAlignment) *
    device.limits.minUniformBufferOffsetAlignment;
  const buffer = createBuffer('frames', GPUBufferUsage.UNIFORM, new Uint8Array(SLOTS * stride));
  const block = new Float32Array(struct.byteLength / 4);
  const groups = Array.from({ length: SLOTS }, (_, i) =>
    device.createBindGroup({
      label: 'frame',
      layout,
      entries: [{ binding: 0, resource: { buffer, offset: i * stride, size: struct.byteLength } }],
    }),
  );
  let slot = 0;
  return {
    next(values) {
      slot = (slot + 1) % SLOTS;
      struct.pack(values, block);
      device.queue.writeBuffer(buffer, slot * stride, block);
      return groups[slot];
    },
  };
}
