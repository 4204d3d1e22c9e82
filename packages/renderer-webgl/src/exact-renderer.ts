/// <reference path="./glsl.d.ts" />
import type { Codes, SdfModel } from '@implicit-faces/sdf-core';
import type { UvModel } from '@implicit-faces/uv-param';
import { setOutput } from './colour.js';
import { traceTiles } from './exact-tiles.js';
import { keepDrawState, keepTextureUnits } from './gl-state.js';
import type { NormalMapOptions } from './normal-map.js';
import { createTexture } from './part-buffers.js';
import { createPartMaps, packGlosses } from './part-maps.js';
import { assembleShader, checkContext, createProgram } from './program.js';
import normalMapChunk from './shaders/chunks/normal-map.glsl';
import outputChunk from './shaders/chunks/output.glsl';
import shadingChunk from './shaders/chunks/shading.glsl';
import surfaceChunk from './shaders/chunks/surface.glsl';
import surfaceLightChunk from './shaders/chunks/surface-light.glsl';
import coverMain from './shaders/cover.vert.glsl';
import deferredMain from './shaders/deferred.frag.glsl';
import { createSurfaceLight, type PunctualLight, setSurfaceLight } from './surface-light.js';
import type { Gloss, PartImage, RenderOptions } from './types.js';

export interface ExactRenderOptions extends RenderOptions, NormalMapOptions {
  /** Needed here, as the picture is made tile by tile: `[x, y, width, height]`, pixels from the bottom left. */
  viewport: readonly [number, number, number, number];
  codes: Codes;
  /** Side of a tile, pixels: each is one wait, after which the page can do something else. */
  tileSize?: number;
  /** `[9, 3]` spherical harmonics. */
  lighting: ArrayLike<number>;
  /** Besides the harmonics, at most four. */
  lights?: readonly PunctualLight[];
  albedo: PartImage;
  partAlbedos: Readonly<Record<string, PartImage>>;
  gloss?: Readonly<Record<string, Gloss>>;
  /** Draws parts (green, in 255ths; blue where something was hit) in place of colours. */
  showParts?: boolean;
  signal?: AbortSignal;
  /** Called after each tile with the share that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

export const EXACT_RENDER_DEFAULTS = { tileSize: 64 };

/**
 * Draws the face from its networks, without any bake: the reference for the other paths, far from real time. The networks run wherever the model's runtime runs
 * them; the shading is the other paths' own. Depth is written and tested, WebGL's state left as it was.
 *
 * @throws FaceError `NO_WEBGL2` without a WebGL2 context. An abort rejects with the signal's reason.
 */
export async function renderExact(
  context: WebGL2RenderingContext | null,
  model: { sdf: SdfModel; uv: UvModel },
  options: ExactRenderOptions,
): Promise<void> {
  const gl = checkContext(context, 'renderExact');
  const { tileSize = EXACT_RENDER_DEFAULTS.tileSize, gloss = {} } = options;
  const light = createSurfaceLight(options.lighting, options.lights);
  const [x0, y0] = options.viewport;
  const framebuffer: WebGLFramebuffer | null =
    options.framebuffer === undefined ? gl.getParameter(gl.DRAW_FRAMEBUFFER_BINDING) : options.framebuffer;
  const { normalMap, normalScale = 1 } = options;
  const define = options.showParts ? '#define COUNT_READS\n' : '';
  const relief = normalMap ? ['#define NORMAL_MAP', normalMapChunk] : [];
  const { handle, uniforms } = createProgram(
    gl,
    assembleShader(coverMain),
    assembleShader(define, ...relief, shadingChunk, surfaceLightChunk, surfaceChunk, outputChunk, deferredMain),
  );
  const vertexArray = gl.createVertexArray();
  const textures: WebGLTexture[] = [];
  try {
    keepTextureUnits(gl, 1, () => {
      textures.push(createTexture(gl, options.albedo, 8), createPartMaps(gl, options.partAlbedos));
      if (normalMap) textures.push(createTexture(gl, normalMap, 8, 'linear'));
    });
    for await (const { x, y, width: w, height: h, layers: found } of traceTiles(model, { ...options, tileSize })) {
      keepDrawState(gl, () =>
        keepTextureUnits(gl, 7, () => {
          const layers = found.map((data) => createFloatTexture(gl, data, w, h));
          const bind = (unit: number, target: number, texture: WebGLTexture | null) => {
            gl.activeTexture(gl.TEXTURE0 + unit);
            gl.bindSampler(unit, null);
            gl.bindTexture(target, texture);
          };
          layers.forEach((texture, unit) => {
            bind(unit, gl.TEXTURE_2D, texture);
          });
          bind(4, gl.TEXTURE_2D, textures[0]);
          bind(5, gl.TEXTURE_2D_ARRAY, textures[1]);
          bind(6, gl.TEXTURE_2D, textures[2] ?? null);
          gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, framebuffer);
          gl.viewport(x0 + x, y0 + y, w, h);
          for (const name of ['BLEND', 'CULL_FACE', 'POLYGON_OFFSET_FILL', 'RASTERIZER_DISCARD'] as const)
            gl.disable(gl[name]);
          gl.enable(gl.DEPTH_TEST);
          gl.depthFunc(gl.LEQUAL);
          gl.depthMask(true);
          gl.useProgram(handle);
          ['surfaceNormal', 'surfacePlace', 'surfacePosition', 'toEye', 'albedoMap', 'partMaps', 'normalMap'].forEach(
            (name, unit) => {
              gl.uniform1i(uniforms[name] ?? null, unit);
            },
          );
          gl.uniform2f(uniforms.tileOrigin, x0 + x, y0 + y);
          setSurfaceLight(gl, uniforms, light);
          gl.uniform4fv(uniforms.materials, packGlosses(gloss));
          gl.uniform1f(uniforms.normalScale ?? null, normalScale);
          setOutput(gl, uniforms, options);
          gl.bindVertexArray(vertexArray);
          gl.drawArrays(gl.TRIANGLES, 0, 3);
          for (const texture of layers) gl.deleteTexture(texture);
        }),
      );
    }
  } finally {
    for (const texture of textures) gl.deleteTexture(texture);
    gl.deleteVertexArray(vertexArray);
    gl.deleteProgram(handle);
  }
}

function createFloatTexture(
  gl: WebGL2RenderingContext,
  data: Float32Array,
  width: number,
  height: number,
): WebGLTexture {
  const texture = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, width, height, 0, gl.RGBA, gl.FLOAT, data);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  return texture;
}
