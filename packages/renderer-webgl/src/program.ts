import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';

export type ShaderStage = 'vertex' | 'fragment';

/** A linked program and the places of its uniforms; arrays by their name without `[0]`. */
export interface Program {
  handle: WebGLProgram;
  uniforms: Record<string, WebGLUniformLocation>;
}

/**
 * Compiles and links a program. On a lost context it makes one that draws nothing.
 *
 * @throws FaceError `SHADER` with the stage, the lines around the fault and a caret.
 */
export function createProgram(gl: WebGL2RenderingContext, vertexSource: string, fragmentSource: string): Program {
  const handle = gl.createProgram();
  const shaders = [compile(gl, 'vertex', vertexSource), compile(gl, 'fragment', fragmentSource)];
  for (const shader of shaders) gl.attachShader(handle, shader);
  gl.linkProgram(handle);
  // They live on inside the program.
  for (const shader of shaders) gl.deleteShader(shader);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    const log = gl.getProgramInfoLog(handle);
    gl.deleteProgram(handle);
    throw new FaceError<RendererErrorCode>('SHADER', `createProgram: the shaders do not link: ${log}`);
  }
  const uniforms: Record<string, WebGLUniformLocation> = {};
  const count = gl.isContextLost() ? 0 : gl.getProgramParameter(handle, gl.ACTIVE_UNIFORMS);
  for (let i = 0; i < count; i++) {
    const { name } = gl.getActiveUniform(handle, i)!;
    uniforms[name.replace('[0]', '')] = gl.getUniformLocation(handle, name)!;
  }
  return { handle, uniforms };
}

function compile(gl: WebGL2RenderingContext, stage: ShaderStage, source: string): WebGLShader {
  const shader = gl.createShader(stage === 'vertex' ? gl.VERTEX_SHADER : gl.FRAGMENT_SHADER)!;
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    const log = gl.getShaderInfoLog(shader) ?? '';
    gl.deleteShader(shader);
    throw new FaceError<RendererErrorCode>('SHADER', formatShaderError(stage, source, log));
  }
  return shader;
}

/**
 * Says where a shader is wrong.
 *
 * @param log - the driver's, whose first `ERROR: column:line: 'token' : message` is shown.
 * @returns the message, then the faulty line between two before and two after it, all numbered, with a caret below the token.
 */
export function formatShaderError(stage: ShaderStage, source: string, log: string): string {
  const head = `createProgram: the ${stage} shader does not compile: `;
  const fault = /ERROR:\s*\d+:(\d+):\s*(?:'([^']*)'\s*:\s*)?(.*)/.exec(log);
  if (!fault) return `${head}${log.trim() || 'the driver does not say why'}`;
  const [, number, token = '', what] = fault;
  const at = Number(number) - 1;
  const line = source.split('\n')[at] ?? '';
  const column = token && line.includes(token) ? line.indexOf(token) : Math.max(line.search(/\S/), 0);
  return `${head}${token ? `'${token}': ` : ''}${what.trim()}\n${showFault(source, at, column)}`;
}

/** A faulty line between two before and two after it, all numbered, with a caret below the column. @param at - from 0, as `column`. */
export function showFault(source: string, at: number, column: number): string {
  const lines = source.split('\n');
  const numberWidth = String(at + 3).length;
  const shown: string[] = [];
  for (let i = Math.max(at - 2, 0); i <= Math.min(at + 2, lines.length - 1); i++) {
    shown.push(`${String(i + 1).padStart(numberWidth)} | ${lines[i]}`);
    if (i === at) shown.push(`${' '.repeat(numberWidth)} | ${' '.repeat(column)}^`);
  }
  return shown.join('\n');
}

/** A whole shader from its pieces. */
export function assembleShader(...pieces: string[]): string {
  return ['#version 300 es', 'precision highp float;', ...pieces].join('\n');
}

/** @throws FaceError `NO_WEBGL2` unless it is a WebGL2 context. */
export function checkContext(gl: WebGL2RenderingContext | null, who: string): WebGL2RenderingContext {
  // Contexts come from other frames and wrappers too, hence no instanceof.
  if (gl && 'createVertexArray' in gl) return gl;
  throw new FaceError<RendererErrorCode>(
    'NO_WEBGL2',
    `${who}: gl should be a WebGL2 context; received ${gl ? 'another kind' : 'null'}. Update the browser, or switch hardware acceleration on.`,
  );
}
