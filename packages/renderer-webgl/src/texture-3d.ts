/** The formats in use: what the texture holds, and as what it is uploaded. */
const FORMATS = {
  RGBA8_SNORM: { format: 'RGBA', type: 'BYTE', filter: 'LINEAR' },
  R16F: { format: 'RED', type: 'HALF_FLOAT', filter: 'LINEAR' },
  RG16F: { format: 'RG', type: 'HALF_FLOAT', filter: 'LINEAR' },
  RGBA16F: { format: 'RGBA', type: 'HALF_FLOAT', filter: 'LINEAR' },
  RGBA8UI: { format: 'RGBA_INTEGER', type: 'UNSIGNED_BYTE', filter: 'NEAREST' },
} as const;

type Size = readonly [number, number, number];

/** Uploads a volume, clamped to its edge. Leaves its own bindings behind, see `keepTextureUnits`. */
export function createTexture3d(
  gl: WebGL2RenderingContext,
  internalFormat: keyof typeof FORMATS,
  size: Size,
  data: Uint8Array | Int8Array | Uint16Array,
): WebGLTexture {
  const texture = gl.createTexture();
  const { filter } = FORMATS[internalFormat];
  gl.bindTexture(gl.TEXTURE_3D, texture);
  gl.texStorage3D(gl.TEXTURE_3D, 1, gl[internalFormat], ...size);
  gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, gl[filter]);
  gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, gl[filter]);
  for (const axis of ['S', 'T', 'R'] as const)
    gl.texParameteri(gl.TEXTURE_3D, gl[`TEXTURE_WRAP_${axis}`], gl.CLAMP_TO_EDGE);
  updateTexture3d(gl, texture, internalFormat, size, data);
  return texture;
}

/** Uploads a volume of the same size again. */
export function updateTexture3d(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  internalFormat: keyof typeof FORMATS,
  size: Size,
  data: Uint8Array | Int8Array | Uint16Array,
): void {
  const { format, type } = FORMATS[internalFormat];
  gl.bindTexture(gl.TEXTURE_3D, texture);
  gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, 0, ...size, gl[format], gl[type], data);
}
