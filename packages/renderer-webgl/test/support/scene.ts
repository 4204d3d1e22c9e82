import { mat4 } from 'gl-matrix';

/** A square camera on +Z that looks at the origin. */
export const CAMERA = {
  cameraFromWorld: Float32Array.from(mat4.lookAt(mat4.create(), [0, 0, 4], [0, 0, 0], [0, 1, 0])),
  clipFromCamera: Float32Array.from(mat4.perspective(mat4.create(), 0.6, 1, 1, 10)),
};

/** Warm light from the upper left of the picture, blue from the right, with every coefficient in use. */
export const LIGHTING = Float32Array.from(
  [
    [1.9, 1.8, 1.8],
    [0.6, 0.5, 0.4],
    [0.7, 0.6, 0.5],
    [-0.5, -0.2, 0.3],
    [-0.15, -0.1, 0.05],
    [0.12, 0.1, 0.08],
    [0.05, -0.05, -0.1],
    [-0.2, -0.1, 0.1],
    [0.1, 0.05, 0.1],
  ].flat(),
);

export interface Target {
  gl: WebGL2RenderingContext;
  framebuffer: WebGLFramebuffer;
  /** `[H, W, 4]`, the top row first. */
  read(): Float32Array;
  readBytes(): Uint8Array;
}

/** A WebGL2 context on a canvas of its own. */
export function createContext(size: number): WebGL2RenderingContext {
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const gl = canvas.getContext('webgl2');
  if (!gl) throw new Error('These tests need WebGL2.');
  return gl;
}

/** A square framebuffer with depth, cleared, of floats or of 8-bit numbers, 4 samples a pixel if `smooth`. */
export function createTarget(
  gl: WebGL2RenderingContext,
  size: number,
  format: 'RGBA32F' | 'RGBA8',
  smooth = false,
): Target {
  gl.getExtension('EXT_color_buffer_float');
  const attach = (attachment: number, internalFormat: number) => {
    const buffer = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, buffer);
    gl.renderbufferStorageMultisample(gl.RENDERBUFFER, smooth ? 4 : 0, internalFormat, size, size);
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, attachment, gl.RENDERBUFFER, buffer);
  };
  const resolved = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, resolved);
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl[format], size, size);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const framebuffer = smooth ? gl.createFramebuffer() : resolved;
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  if (smooth) attach(gl.COLOR_ATTACHMENT0, gl[format]);
  attach(gl.DEPTH_ATTACHMENT, gl.DEPTH_COMPONENT24);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.bindFramebuffer(gl.FRAMEBUFFER, null);

  function readInto<T extends Float32Array | Uint8Array>(pixels: T, type: number): T {
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, framebuffer);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, resolved);
    if (smooth) gl.blitFramebuffer(0, 0, size, size, 0, 0, size, size, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, resolved);
    gl.readPixels(0, 0, size, size, gl.RGBA, type, pixels);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    // WebGL's first row is the lowest.
    const rows = Array.from({ length: size }, (_, y) => pixels.slice(4 * size * y, 4 * size * (y + 1)));
    rows.reverse().forEach((row, y) => pixels.set(row, 4 * size * y));
    return pixels;
  }
  return {
    gl,
    framebuffer,
    read: () => readInto(new Float32Array(4 * size * size), gl.FLOAT),
    readBytes: () => readInto(new Uint8Array(4 * size * size), gl.UNSIGNED_BYTE),
  };
}
