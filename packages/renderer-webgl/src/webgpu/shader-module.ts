/// <reference types="@webgpu/types" />
import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from '../errors.js';
import { showFault } from '../program.js';

/**
 * Compiles WGSL.
 *
 * @param label - names the program in messages.
 * @throws FaceError `SHADER` with the numbered lines around the first fault and a caret.
 */
export async function createShaderModule(
  device: GPUDevice,
  label: string,
  ...pieces: string[]
): Promise<GPUShaderModule> {
  const code = pieces.join('\n');
  // Otherwise the device reports the fault a second time, to the console.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const [info] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
  const fault = info.messages.find(({ type }) => type === 'error');
  if (!fault) return module;
  const lines = fault.lineNum > 0 ? `\n${showFault(code, fault.lineNum - 1, Math.max(fault.linePos - 1, 0))}` : '';
  throw new FaceError<RendererErrorCode>(
    'SHADER',
    `createShaderModule: ${label} does not compile: ${fault.message.trim()}${lines}`,
  );
}

/** Builds a pipeline. @throws FaceError `SHADER` when the device refuses it, for example a format that cannot be drawn into. */
export async function createPipeline(
  device: GPUDevice,
  descriptor: GPURenderPipelineDescriptor,
): Promise<GPURenderPipeline> {
  try {
    return await device.createRenderPipelineAsync(descriptor);
  } catch (cause) {
    throw new FaceError<RendererErrorCode>(
      'SHADER',
      `createPipeline: ${descriptor.label} can not be built: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
