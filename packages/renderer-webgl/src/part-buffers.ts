import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';
import type { PartImage, PartMesh } from './types.js';

/** A part on the graphics card. The texture is its owner's, as parts may share one. */
export interface PartBuffers {
  vertexArray: WebGLVertexArrayObject;
  positions: WebGLBuffer;
  normals: WebGLBuffer;
  others: WebGLBuffer[];
  texture: WebGLTexture;
  /** Its normal map. */
  relief?: WebGLTexture;
  indexCount: number;
}

/** Uploads a part. Leaves its own bindings behind, see `keepBindings`. */
export function createPartBuffers(
  gl: WebGL2RenderingContext,
  mesh: PartMesh,
  texture: WebGLTexture,
  relief?: WebGLTexture,
): PartBuffers {
  const vertexArray = gl.createVertexArray();
  gl.bindVertexArray(vertexArray);
  const attribute = (location: number, size: number, data: Float32Array, usage: number) => {
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, usage);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, gl.FLOAT, false, 0, 0);
    return buffer;
  };
  const positions = attribute(0, 3, mesh.positions, gl.DYNAMIC_DRAW);
  const normals = attribute(1, 3, mesh.normals, gl.DYNAMIC_DRAW);
  const uvs = attribute(2, 2, mesh.uvs, gl.STATIC_DRAW);
  const indices = gl.createBuffer();
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, indices);
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, mesh.indices, gl.STATIC_DRAW);
  return { vertexArray, positions, normals, others: [uvs, indices], texture, relief, indexCount: mesh.indices.length };
}

export function deletePartBuffers(gl: WebGL2RenderingContext, part: PartBuffers): void {
  gl.deleteVertexArray(part.vertexArray);
  for (const buffer of [part.positions, part.normals, ...part.others]) gl.deleteBuffer(buffer);
}

/** Rows as they are in memory, one after another. */
function prepareUnpacking(gl: WebGL2RenderingContext): void {
  gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, null);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  for (const name of ['UNPACK_ROW_LENGTH', 'UNPACK_SKIP_PIXELS', 'UNPACK_SKIP_ROWS'] as const)
    gl.pixelStorei(gl[name], 0);
}

/** Uploads an image with mipmaps, filtered in linear light; `encoding` says what its bytes are. Leaves its own bindings behind, see `keepBindings`. */
export function createTexture(
  gl: WebGL2RenderingContext,
  image: PartImage,
  maxAnisotropy: number,
  encoding: 'srgb' | 'linear' = 'srgb',
): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  prepareUnpacking(gl);
  const { data, width, height } = image;
  // WebGL takes unclamped bytes for this type, so the same memory is shown to it as such.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const format = encoding === 'srgb' ? gl.SRGB8_ALPHA8 : gl.RGBA8;
  gl.texImage2D(gl.TEXTURE_2D, 0, format, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  const anisotropic = gl.getExtension('EXT_texture_filter_anisotropic');
  if (anisotropic) {
    const most = gl.getParameter(anisotropic.MAX_TEXTURE_MAX_ANISOTROPY_EXT);
    gl.texParameterf(gl.TEXTURE_2D, anisotropic.TEXTURE_MAX_ANISOTROPY_EXT, Math.min(maxAnisotropy, most));
  }
  return texture;
}

/** Uploads `[x, y, width, height]` of an image to its texture. Leaves its own bindings and how pixels are unpacked behind. */
export function updateRegion(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  { data, width }: PartImage,
  [x, y, w, h]: readonly [number, number, number, number],
): void {
  gl.bindTexture(gl.TEXTURE_2D, texture);
  prepareUnpacking(gl);
  gl.pixelStorei(gl.UNPACK_ROW_LENGTH, width);
  gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, x);
  gl.pixelStorei(gl.UNPACK_SKIP_ROWS, y);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y, w, h, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  gl.generateMipmap(gl.TEXTURE_2D);
}

/** @throws FaceError `SHAPE` when a mesh's arrays do not fit together or its image is too large, naming part and array. */
export function checkMesh(mesh: PartMesh, maxTextureSize: number): void {
  const { name, positions, normals, uvs, indices, image } = mesh;
  const vertices = positions.length / 3; // V
  const fail = (what: string) => new FaceError<RendererErrorCode>('SHAPE', `setMeshes: ${name}: ${what}`);
  if (!Number.isInteger(vertices)) throw fail(`positions should be [V, 3]; received ${positions.length} numbers.`);
  if (normals.length !== 3 * vertices)
    throw fail(`normals should be [${vertices}, 3]; received ${normals.length} numbers.`);
  if (uvs.length !== 2 * vertices) throw fail(`uvs should be [${vertices}, 2]; received ${uvs.length} numbers.`);
  if (indices.length % 3 !== 0) throw fail(`indices should be [F, 3]; received ${indices.length} numbers.`);
  if (indices.some((index) => index >= vertices))
    throw fail(`indices should be below ${vertices}, the number of vertices.`);
  for (const [what, { data, width, height }] of [
    ['image', image],
    ['normalMap', mesh.normalMap ?? image],
  ] as const) {
    if (!(width > 0 && height > 0) || data.length !== 4 * width * height) {
      throw fail(`${what} should be [${height}, ${width}, 4] bytes; received ${data.length}.`);
    }
    if (Math.max(width, height) > maxTextureSize) {
      throw fail(
        `${what} should be at most ${maxTextureSize} pixels wide and high here; received ${width} x ${height}. Scale it down.`,
      );
    }
  }
}

/** Puts other vertices into the mesh of that name. @throws FaceError `UNKNOWN_PART`, or `SHAPE` when there are more or fewer than before. */
export function moveMesh(
  meshes: ReadonlyMap<string, PartMesh>,
  name: string,
  positions: Float32Array,
  normals: Float32Array,
): void {
  const mesh = meshes.get(name);
  if (!mesh) {
    const known = [...meshes.keys()].join(', ') || 'none yet';
    throw new FaceError<RendererErrorCode>(
      'UNKNOWN_PART',
      `updatePositions: there is no part ${name}. Parts: ${known}.`,
    );
  }
  const { length } = mesh.positions;
  if (positions.length !== length || normals.length !== length) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `updatePositions: ${name}: positions and normals should be [${length / 3}, 3]; received ${positions.length} and ${normals.length} numbers. Use setMeshes for another mesh.`,
    );
  }
  Object.assign(mesh, { positions, normals });
}

/** @throws FaceError `UNKNOWN_PART` when no mesh has the image. */
export function checkImage(meshes: ReadonlyMap<string, PartMesh>, image: PartImage): void {
  if ([...meshes.values()].some((mesh) => mesh.image === image)) return;
  throw new FaceError<RendererErrorCode>(
    'UNKNOWN_PART',
    'updateImage: no part has this image. Pass the object that a mesh was set with.',
  );
}
