import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';
import { MATTE, packGloss } from './specular.js';
import type { Gloss, PartImage } from './types.js';

/** The parts, by the numbers of their charts. */
export const PART_NAMES = ['skin', 'eyeLeft', 'eyeRight', 'teethUpper', 'teethLower', 'tongue'] as const;

export const WHITE: PartImage = { data: new Uint8Array([255, 255, 255, 255]), width: 1, height: 1 };

/** The parts' glosses as the shaders take them, `[6, 4]`. */
export function packGlosses(gloss: Readonly<Record<string, Gloss>>): Float32Array {
  return Float32Array.from(PART_NAMES.flatMap((name) => packGloss(gloss[name] ?? MATTE)));
}

/** The images of the parts after the skin, in order and of one size; white where there is none. @throws FaceError `SHAPE` when they differ in size. */
export function partLayers(images: Readonly<Record<string, PartImage>>): PartImage[] {
  const names = PART_NAMES.slice(1);
  const given = names.map((name) => images[name]).filter((image) => image !== undefined);
  const size = given[0] ?? WHITE;
  const odd = names.find(
    (name) => images[name] && (images[name].width !== size.width || images[name].height !== size.height),
  );
  if (odd) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `setPartAlbedos: all images should be of one size; ${odd} is ${images[odd].width} x ${images[odd].height}, another ${size.width} x ${size.height}.`,
    );
  }
  const blank = { ...size, data: new Uint8Array(4 * size.width * size.height).fill(255) };
  return names.map((name) => images[name] ?? blank);
}

/** The parts' textures as layers of one. */
export function createPartMaps(gl: WebGL2RenderingContext, images: Readonly<Record<string, PartImage>>): WebGLTexture {
  const layers = partLayers(images);
  const [size] = layers;
  const data = new Uint8Array(layers.length * size.data.length);
  layers.forEach((layer, i) => data.set(layer.data, i * size.data.length));
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D_ARRAY, texture);
  gl.texImage3D(
    gl.TEXTURE_2D_ARRAY,
    0,
    gl.SRGB8_ALPHA8,
    size.width,
    size.height,
    layers.length,
    0,
    gl.RGBA,
    gl.UNSIGNED_BYTE,
    data,
  );
  gl.generateMipmap(gl.TEXTURE_2D_ARRAY);
  gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return texture;
}
