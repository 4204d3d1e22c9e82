/// <reference path="./glsl.d.ts" />
import { mergeOptions } from '@implicit-faces/runtime';
import { setOutput } from './colour.js';
import { keepResources } from './context-resources.js';
import { keepBindings, keepDrawState, keepTextureUnits } from './gl-state.js';
import { cameraPlace } from './matrices.js';
import {
  checkImage,
  checkMesh,
  createPartBuffers,
  createTexture,
  deletePartBuffers,
  moveMesh,
  type PartBuffers,
  updateRegion,
} from './part-buffers.js';
import { assembleShader, checkContext, createProgram, type Program } from './program.js';
import fragmentMain from './shaders/avatar.frag.glsl';
import vertexMain from './shaders/avatar.vert.glsl';
import normalMapChunk from './shaders/chunks/normal-map.glsl';
import outputChunk from './shaders/chunks/output.glsl';
import shadingChunk from './shaders/chunks/shading.glsl';
import surfaceLightChunk from './shaders/chunks/surface-light.glsl';
import { MATTE, packGloss } from './specular.js';
import { keepSurfaceLight, type LightSetters, setSurfaceLight } from './surface-light.js';
import type { Gloss, PartImage, PartMesh, RenderOptions } from './types.js';

/** Tunables of `createAvatarRenderer`. */
export interface AvatarRendererOptions {
  /** From `canvas.getContext('webgl2')`; `null`, as that gives where there is no WebGL2, is refused with a clear error. */
  gl: WebGL2RenderingContext | null;
  /** Highlights by part name. A part that is not named is matte, which is the model's own formula: albedo times shading. */
  gloss?: Readonly<Record<string, Gloss>>;
  /** Sharpness of textures seen at a slant, 1 (off) to 16. */
  maxAnisotropy?: number;
  /** Of the meshes' normal maps: multiplies what they say along u and v. */
  normalScale?: number;
  /** Called when a lost context is back and everything has been uploaded again: draw. */
  onRestored?: () => void;
}

export const AVATAR_RENDERER_DEFAULTS = { gloss: {}, maxAnisotropy: 8, normalScale: 1 };

export interface AvatarRenderer extends LightSetters {
  /**
   * Replaces all parts. The meshes are kept, not copied, to upload them again should the context be lost; parts may share an image.
   *
   * @throws FaceError `SHAPE` when arrays do not fit together, naming part and array.
   */
  setMeshes(meshes: readonly PartMesh[]): void;

  /**
   * Moves a part's vertices: another expression of the same avatar.
   *
   * @param positions - `[V, 3]`, metres, kept, not copied.
   * @param normals - `[V, 3]`, kept, not copied.
   * @throws FaceError `UNKNOWN_PART` when there is none of that name, `SHAPE` when V is not the part's.
   */
  updatePositions(name: string, positions: Float32Array, normals: Float32Array): void;

  /**
   * Shows an image again after it was painted on.
   *
   * @param image - one that a mesh has, the same object.
   * @param region - `[x, y, width, height]` of what changed, texels; all of it when absent.
   * @throws FaceError `UNKNOWN_PART` when no mesh has the image.
   */
  updateImage(image: PartImage, region?: readonly [number, number, number, number]): void;

  /** Draws, with depth, and leaves WebGL's state as it was. Does nothing while the context is lost. */
  render(options: RenderOptions): void;

  /** Frees everything on the graphics card. */
  dispose(): void;
}

/** What is on the graphics card; gone when the context is lost. */
interface Resources {
  program: Program;
  /** For parts with a normal map: made when there are some. */
  reliefProgram?: Program;
  parts: Map<string, PartBuffers>;
  textures: Map<PartImage, WebGLTexture>;
}

/**
 * Creates a renderer that rasterises an avatar's parts under spherical-harmonics light.
 *
 * @throws FaceError `NO_WEBGL2` without a WebGL2 context, `SHADER` when the driver refuses a shader.
 * @example
 * const renderer = createAvatarRenderer({ gl: canvas.getContext('webgl2') });
 * renderer.setMeshes(await avatarMeshes(model, avatar));
 * renderer.render({ clipFromCamera, cameraFromWorld });
 */
export function createAvatarRenderer(options: AvatarRendererOptions): AvatarRenderer {
  const { gloss, maxAnisotropy, normalScale } = mergeOptions(
    AVATAR_RENDERER_DEFAULTS as Required<Pick<AvatarRendererOptions, 'gloss' | 'maxAnisotropy' | 'normalScale'>>,
    {
      gloss: options.gloss,
      maxAnisotropy: options.maxAnisotropy,
      normalScale: options.normalScale,
    },
  );
  const gl = checkContext(options.gl, 'createAvatarRenderer');
  let meshes = new Map<string, PartMesh>();
  const { present, checkOpen, dispose } = keepResources(
    gl,
    upload,
    (resources) => {
      deleteParts(resources);
      gl.deleteProgram(resources.program.handle);
      gl.deleteProgram(resources.reliefProgram?.handle ?? null);
    },
    options.onRestored,
  );
  const light = keepSurfaceLight(checkOpen);

  function upload(): Resources {
    const created: Resources = { program: link([]), parts: new Map(), textures: new Map() };
    uploadParts(created);
    return created;
  }

  function link(relief: string[]): Program {
    return createProgram(
      gl,
      assembleShader(vertexMain),
      assembleShader(...relief, shadingChunk, surfaceLightChunk, outputChunk, fragmentMain),
    );
  }

  function uploadParts(resources: Resources): void {
    const { parts, textures } = resources;
    const textureOf = (image: PartImage, encoding: 'srgb' | 'linear') => {
      const texture = textures.get(image) ?? createTexture(gl, image, maxAnisotropy, encoding);
      textures.set(image, texture);
      return texture;
    };
    keepBindings(gl, () => {
      for (const mesh of meshes.values()) {
        const relief = mesh.normalMap && textureOf(mesh.normalMap, 'linear');
        if (relief) resources.reliefProgram ??= link(['#define NORMAL_MAP', normalMapChunk]);
        parts.set(mesh.name, createPartBuffers(gl, mesh, textureOf(mesh.image, 'srgb'), relief));
      }
    });
  }

  function deleteParts({ parts, textures }: Resources): void {
    for (const part of parts.values()) deletePartBuffers(gl, part);
    for (const texture of textures.values()) gl.deleteTexture(texture);
    parts.clear();
    textures.clear();
  }

  function drawParts({ program, reliefProgram, parts }: Resources, renderOptions: RenderOptions): void {
    const { clipFromCamera, cameraFromWorld, viewport, framebuffer } = renderOptions;
    if (framebuffer !== undefined) gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, framebuffer);
    if (viewport) gl.viewport(...viewport);
    for (const name of ['BLEND', 'CULL_FACE', 'POLYGON_OFFSET_FILL', 'RASTERIZER_DISCARD'] as const)
      gl.disable(gl[name]);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.depthMask(true);
    gl.frontFace(gl.CCW);
    // A sampler object of the caller's would override the texture's own filters.
    for (const unit of [0, 1]) gl.bindSampler(unit, null);

    for (const { handle, uniforms } of reliefProgram ? [program, reliefProgram] : [program]) {
      const isRelief = handle !== program.handle;
      gl.useProgram(handle);
      gl.uniformMatrix4fv(uniforms.clipFromCamera, false, Float32Array.from(clipFromCamera));
      gl.uniformMatrix4fv(uniforms.cameraFromWorld, false, Float32Array.from(cameraFromWorld));
      gl.uniform3fv(uniforms.eye, cameraPlace(cameraFromWorld));
      setSurfaceLight(gl, uniforms, light.current());
      setOutput(gl, uniforms, renderOptions);
      gl.uniform1i(uniforms.albedoMap, 0);
      gl.uniform1i(uniforms.normalMap ?? null, 1);
      gl.uniform1f(uniforms.normalScale ?? null, normalScale);
      for (const [name, part] of parts) {
        if ((part.relief !== undefined) !== isRelief) continue;
        gl.uniform4f(uniforms.material, ...packGloss(gloss[name] ?? MATTE));
        gl.activeTexture(gl.TEXTURE1);
        gl.bindTexture(gl.TEXTURE_2D, part.relief ?? null);
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, part.texture);
        gl.bindVertexArray(part.vertexArray);
        gl.drawElements(gl.TRIANGLES, part.indexCount, gl.UNSIGNED_INT, 0);
      }
    }
  }

  return {
    setMeshes(given) {
      checkOpen('setMeshes');
      const maxTextureSize = gl.getParameter(gl.MAX_TEXTURE_SIZE) ?? Number.POSITIVE_INFINITY;
      for (const mesh of given) checkMesh(mesh, maxTextureSize);
      // Shallow copies, so that updatePositions does not change the caller's objects.
      meshes = new Map(given.map((mesh) => [mesh.name, { ...mesh }]));
      const current = present();
      if (!current) return;
      deleteParts(current);
      uploadParts(current);
    },

    updatePositions(name, positions, normals) {
      checkOpen('updatePositions');
      moveMesh(meshes, name, positions, normals);
      const part = present()?.parts.get(name);
      if (!part) return;
      keepBindings(gl, () => {
        gl.bindBuffer(gl.ARRAY_BUFFER, part.positions);
        gl.bufferSubData(gl.ARRAY_BUFFER, 0, positions);
        gl.bindBuffer(gl.ARRAY_BUFFER, part.normals);
        gl.bufferSubData(gl.ARRAY_BUFFER, 0, normals);
      });
    },

    updateImage(image, region = [0, 0, image.width, image.height]) {
      checkOpen('updateImage');
      checkImage(meshes, image);
      const texture = present()?.textures.get(image);
      if (texture) keepBindings(gl, () => updateRegion(gl, texture, image, region));
    },

    ...light.setters,

    render(renderOptions) {
      checkOpen('render');
      const current = present();
      if (current) keepDrawState(gl, () => keepTextureUnits(gl, 2, () => drawParts(current, renderOptions)));
    },

    dispose,
  };
}
