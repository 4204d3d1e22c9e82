/// <reference path="./glsl.d.ts" />
import { computePartUniforms } from './bake/baked-field.js';
import type { PosedBake, StaticBake } from './bake/baker.js';
import { atlasSize, BRICK_SAMPLES, BRICK_UV_SAMPLES } from './bake/template-bricks.js';
import { keepResources } from './context-resources.js';
import { keepDrawState, keepTextureUnits } from './gl-state.js';
import { checkLighting, computeDominantLight, EVEN_LIGHT } from './lighting.js';
import { invert4, multiply4 } from './matrices.js';
import { createTexture } from './part-buffers.js';
import { createPartMaps, PART_NAMES, WHITE } from './part-maps.js';
import { assembleShader, checkContext, createProgram, type Program } from './program.js';
import bakedMain from './shaders/baked.frag.glsl';
import boxMain from './shaders/box.vert.glsl';
import fieldChunk from './shaders/chunks/field.glsl';
import rayChunk from './shaders/chunks/ray.glsl';
import shadingChunk from './shaders/chunks/shading.glsl';
import surfaceChunk from './shaders/chunks/surface.glsl';
import traceChunk from './shaders/chunks/trace.glsl';
import coneMain from './shaders/cone.frag.glsl';
import coverMain from './shaders/cover.vert.glsl';
import { createTexture3d, updateTexture3d } from './texture-3d.js';
import type { Gloss, PartImage, RenderOptions } from './types.js';

export interface BakedRendererOptions {
  /** From `canvas.getContext('webgl2')`; `null` is refused with a clear error. */
  gl: WebGL2RenderingContext | null;
  /** What `createBaker` baked once. */
  fixed: StaticBake;
  /** Highlights by the names of `PART_NAMES`; `FACE_GLOSS` for a living face. */
  gloss?: Readonly<Record<string, Gloss>>;
  maxAnisotropy?: number;
  /** Draws, in place of colours, how often a pixel read T and D together (red, in 255ths) and its part (green). */
  countReads?: boolean;
  /** Called when a lost context is back and everything has been uploaded again: draw. */
  onRestored?: () => void;
}

/** Draws a baked face by sphere tracing, with depth. */
export interface BakedRenderer {
  /** Another face or expression. The bake is kept, not copied. */
  setBake(bake: PosedBake): void;

  /** The skin's texture. @param region - `[x, y, width, height]` of what changed, texels, when the image is the one that is set already. */
  setAlbedo(image: PartImage, region?: readonly [number, number, number, number]): void;

  /** Textures of the parts after the skin, by name, all of one size. */
  setPartAlbedos(images: Readonly<Record<string, PartImage>>): void;

  /** `[9, 3]` spherical harmonics. @throws FaceError `SHAPE` when it is not 27 finite numbers. */
  setLighting(lighting: ArrayLike<number>): void;

  /** Draws and leaves WebGL's state as it was. Does nothing before `setBake` and while the context is lost. */
  render(options: BakedRenderOptions): void;

  /** Frees everything on the graphics card. */
  dispose(): void;
}

export interface BakedRenderOptions extends RenderOptions {
  /** Where the avatar stands, 16 numbers, column-major: a rotation, a shift and an even scale. The identity when absent. */
  worldFromAvatar?: ArrayLike<number>;
}

/** Pixels along a side of what the first pass does at once; TILE of baked.frag.glsl. */
const TILE = 8;
const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const UNITS = {
  deformation: 0,
  brickIndex: 1,
  brickDistance: 2,
  brickUv: 3,
  partGrids: 4,
  tileStart: 5,
  albedoMap: 6,
  partMaps: 7,
};
const MATTE: Gloss = { strength: 0, exponent: 1 };

interface Resources {
  cone: Program;
  baked: Program;
  textures: Partial<Record<keyof typeof UNITS, WebGLTexture>>;
  deformationSize?: string;
  tileSize: [number, number];
  tileBuffer: WebGLFramebuffer;
  vertexArray: WebGLVertexArrayObject;
}

/**
 * Creates the renderer of baked faces.
 *
 * @throws FaceError `NO_WEBGL2` without a WebGL2 context, `SHADER` when the driver refuses a shader.
 * @example
 * const baker = await createBaker({ manifest, layers, uv });
 * const renderer = createBakedRenderer({ gl, fixed: baker.fixed });
 * renderer.setBake(await baker.bake(expression));
 */
export function createBakedRenderer(options: BakedRendererOptions): BakedRenderer {
  const gl = checkContext(options.gl, 'createBakedRenderer');
  const { fixed, gloss = {}, maxAnisotropy = 8 } = options;
  let bake: PosedBake | undefined;
  let pose: PoseUniforms | undefined;
  let albedo: PartImage | undefined;
  let partAlbedos: Readonly<Record<string, PartImage>> = {};
  let lighting = EVEN_LIGHT;
  let light = computeDominantLight(lighting);
  const { present, checkOpen, dispose } = keepResources(gl, upload, free, options.onRestored);

  function upload(): Resources {
    const define = options.countReads ? '#define COUNT_READS\n' : '';
    const cone = createProgram(gl, assembleShader(coverMain), assembleShader(rayChunk, fieldChunk, coneMain));
    const baked = createProgram(
      gl,
      assembleShader(boxMain),
      assembleShader(define, rayChunk, fieldChunk, traceChunk, shadingChunk, surfaceChunk, bakedMain),
    );
    const created: Resources = {
      cone,
      baked,
      textures: {},
      tileSize: [0, 0],
      tileBuffer: gl.createFramebuffer(),
      vertexArray: gl.createVertexArray(),
    };
    keepTextureUnits(gl, 1, () => {
      const { template, parts } = fixed;
      created.textures.brickIndex = createTexture3d(gl, 'RGBA8UI', template.index.size, template.index.data);
      created.textures.brickDistance = createTexture3d(
        gl,
        'R16F',
        atlasSize(template, BRICK_SAMPLES),
        template.distance,
      );
      created.textures.brickUv = createTexture3d(gl, 'RG16F', atlasSize(template, BRICK_UV_SAMPLES), template.uv);
      created.textures.partGrids = createTexture3d(gl, 'R16F', parts.size, parts.distance);
      uploadBake(created);
      uploadAlbedo(created);
      uploadPartAlbedos(created);
    });
    for (const program of [cone, baked]) setFixedUniforms(program);
    return created;
  }

  function setFixedUniforms({ handle, uniforms }: Program): void {
    const before = gl.getParameter(gl.CURRENT_PROGRAM);
    gl.useProgram(handle);
    for (const [name, unit] of Object.entries(UNITS)) if (uniforms[name]) gl.uniform1i(uniforms[name], unit);
    const { template, mouthBoxes, parts } = fixed;
    const each = <T>(list: readonly T[], numbers: (item: T) => Iterable<number>) =>
      Float32Array.from(list.flatMap((item) => [...numbers(item)]));
    gl.uniform3fv(
      uniforms.sheetOrigin,
      each(template.sheets, (s) => s.origin),
    );
    gl.uniform3fv(
      uniforms.sheetSize,
      each(template.sheets, (s) => s.size),
    );
    gl.uniform1fv(
      uniforms.sheetLayer,
      each(template.sheets, (s) => [s.layer]),
    );
    gl.uniform1f(uniforms.brickEdge, template.edge);
    gl.uniform4fv(
      uniforms.mouthLow,
      Float32Array.from(mouthBoxes.flatMap((box, i) => [...box.min, parts.grids[i].layer])),
    );
    gl.uniform3fv(
      uniforms.gridOrigin,
      each(parts.grids, (g) => g.origin),
    );
    gl.uniform1f(uniforms.gridPerMetre, 1 / parts.grids[0].step);
    gl.useProgram(before);
  }

  function uploadBake(target: Resources): void {
    if (!bake) return;
    const { size, data } = bake.volume;
    const key = size.join();
    if (target.textures.deformation && target.deformationSize === key) {
      updateTexture3d(gl, target.textures.deformation, 'RGBA16F', size, data);
      return;
    }
    gl.deleteTexture(target.textures.deformation ?? null);
    target.textures.deformation = createTexture3d(gl, 'RGBA16F', size, data);
    target.deformationSize = key;
  }

  function uploadAlbedo(target: Resources): void {
    gl.deleteTexture(target.textures.albedoMap ?? null);
    target.textures.albedoMap = createTexture(gl, albedo ?? WHITE, maxAnisotropy);
  }

  function uploadPartAlbedos(target: Resources): void {
    gl.deleteTexture(target.textures.partMaps ?? null);
    target.textures.partMaps = createPartMaps(gl, partAlbedos);
  }

  function free({ textures, tileBuffer, vertexArray, cone, baked }: Resources): void {
    for (const texture of Object.values(textures)) gl.deleteTexture(texture);
    gl.deleteFramebuffer(tileBuffer);
    gl.deleteVertexArray(vertexArray);
    gl.deleteProgram(cone.handle);
    gl.deleteProgram(baked.handle);
  }

  /** Everything that both passes read: the pose and the camera. */
  function setPose({ uniforms }: Program, pose: PoseUniforms, avatarFromClip: Float32Array): void {
    for (const [name, [setter, values]] of Object.entries(pose)) gl[setter](uniforms[name], values);
    gl.uniformMatrix4fv(uniforms.avatarFromClip, false, avatarFromClip);
  }

  /** The tiles' texture for a viewport. */
  function resizeTiles(target: Resources, width: number, height: number): void {
    if (target.tileSize[0] === width && target.tileSize[1] === height) return;
    gl.deleteTexture(target.textures.tileStart ?? null);
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R32UI, width, height);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, target.tileBuffer);
    gl.framebufferTexture2D(gl.DRAW_FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    target.textures.tileStart = texture;
    target.tileSize = [width, height];
  }

  function draw(target: Resources, { bounds }: PosedBake, pose: PoseUniforms, renderOptions: BakedRenderOptions): void {
    const { clipFromCamera, cameraFromWorld, worldFromAvatar = IDENTITY, outputColourSpace } = renderOptions;
    const framebuffer =
      renderOptions.framebuffer === undefined
        ? gl.getParameter(gl.DRAW_FRAMEBUFFER_BINDING)
        : renderOptions.framebuffer;
    const viewport = renderOptions.viewport ?? gl.getParameter(gl.VIEWPORT);
    const [x, y, width, height] = viewport;
    const clipFromAvatar = multiply4(clipFromCamera, multiply4(cameraFromWorld, worldFromAvatar));
    const avatarFromClip = Float32Array.from(invert4(clipFromAvatar));

    for (const name of ['BLEND', 'POLYGON_OFFSET_FILL', 'RASTERIZER_DISCARD', 'DEPTH_TEST', 'CULL_FACE'] as const)
      gl.disable(gl[name]);
    const scissor = gl.isEnabled(gl.SCISSOR_TEST);
    const stencil = gl.isEnabled(gl.STENCIL_TEST);
    const colourMask = gl.getParameter(gl.COLOR_WRITEMASK);
    gl.bindVertexArray(target.vertexArray);

    gl.disable(gl.SCISSOR_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.colorMask(true, true, true, true);
    gl.activeTexture(gl.TEXTURE0 + UNITS.tileStart);
    resizeTiles(target, Math.ceil(width / TILE), Math.ceil(height / TILE));
    bindTextures(target);
    gl.useProgram(target.cone.handle);
    setPose(target.cone, pose, avatarFromClip);
    gl.uniform2f(target.cone.uniforms.tiles, width / TILE, height / TILE);
    const cone = measureCone(clipFromAvatar, bounds, width, height);
    gl.uniform1f(target.cone.uniforms.spread, cone.spread);
    gl.uniform1f(target.cone.uniforms.radiusAtOrigin, cone.radiusAtOrigin);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, target.tileBuffer);
    gl.viewport(0, 0, ...target.tileSize);
    gl.activeTexture(gl.TEXTURE0 + UNITS.tileStart);
    gl.bindTexture(gl.TEXTURE_2D, null);
    gl.drawArrays(gl.TRIANGLES, 0, 3);

    gl.bindTexture(gl.TEXTURE_2D, target.textures.tileStart ?? null);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, framebuffer);
    gl.viewport(x, y, width, height);
    gl.colorMask(colourMask[0], colourMask[1], colourMask[2], colourMask[3]);
    if (scissor) gl.enable(gl.SCISSOR_TEST);
    if (stencil) gl.enable(gl.STENCIL_TEST);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);
    gl.cullFace(gl.BACK);
    gl.depthFunc(gl.LEQUAL);
    gl.depthMask(true);
    gl.frontFace(gl.CCW);
    const { handle, uniforms } = target.baked;
    gl.useProgram(handle);
    setPose(target.baked, pose, avatarFromClip);
    gl.uniform4f(uniforms.viewport, x, y, width, height);
    gl.uniformMatrix4fv(uniforms.clipFromAvatar, false, Float32Array.from(clipFromAvatar));
    gl.uniformMatrix3fv(uniforms.worldFromAvatar, false, rotationOf(worldFromAvatar));
    gl.uniform3fv(uniforms.lighting, lighting);
    gl.uniform3fv(uniforms.toLight, light.toLight);
    gl.uniform3fv(uniforms.lightColour, light.colour);
    gl.uniform2fv(
      uniforms.gloss,
      PART_NAMES.flatMap((name) => {
        const { strength, exponent } = gloss[name] ?? MATTE;
        return [strength, exponent];
      }),
    );
    gl.uniform1i(uniforms.encodeOutput, outputColourSpace === 'srgb-linear' ? 0 : 1);
    gl.drawArrays(gl.TRIANGLES, 0, 36);
  }

  function bindTextures({ textures }: Resources): void {
    for (const [name, unit] of Object.entries(UNITS) as [keyof typeof UNITS, number][]) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindSampler(unit, null);
      gl.bindTexture(
        TARGETS[name] === '3D' ? gl.TEXTURE_3D : TARGETS[name] === 'array' ? gl.TEXTURE_2D_ARRAY : gl.TEXTURE_2D,
        textures[name] ?? null,
      );
    }
  }

  const change = (who: string, store: () => void, apply: (target: Resources) => void) => {
    checkOpen(who);
    store();
    const current = present();
    if (current) keepTextureUnits(gl, 1, () => apply(current));
  };

  return {
    setBake: (given) =>
      change(
        'setBake',
        () => {
          bake = given;
          pose = poseUniforms(fixed, given);
        },
        uploadBake,
      ),

    setAlbedo(image, region) {
      checkOpen('setAlbedo');
      const same = albedo && image.width === albedo.width && image.height === albedo.height;
      albedo = image;
      const current = present();
      if (!current) return;
      keepTextureUnits(gl, 1, () => {
        if (region && same) updateRegion(gl, current.textures.albedoMap!, image, region);
        else uploadAlbedo(current);
      });
    },

    setPartAlbedos: (images) =>
      change(
        'setPartAlbedos',
        () => {
          partAlbedos = images;
        },
        uploadPartAlbedos,
      ),

    setLighting(given) {
      checkOpen('setLighting');
      checkLighting('setLighting', given);
      lighting = Float32Array.from(given);
      light = computeDominantLight(lighting);
    },

    render(renderOptions) {
      checkOpen('render');
      const current = present();
      const [posed, uniforms] = [bake, pose];
      if (!current || !posed || !uniforms) return;
      keepDrawState(gl, () =>
        keepTextureUnits(gl, Object.keys(UNITS).length, () => draw(current, posed, uniforms, renderOptions)),
      );
    },

    dispose,
  };
}

/** Uniforms by name: how they are set, and to what. */
type PoseUniforms = Record<string, ['uniform1fv' | 'uniform3fv' | 'uniform4fv', Float32Array]>;

/** What of a bake both passes read, in every frame the same. */
function poseUniforms(fixed: StaticBake, { volume, partTransforms, bounds }: PosedBake): PoseUniforms {
  const { blocks } = volume;
  const list = (numbers: (b: (typeof blocks)[number]) => readonly number[]) =>
    Float32Array.from(blocks.flatMap((b) => [...numbers(b)]));
  const parts = computePartUniforms(fixed, partTransforms);
  return {
    blockOrigin: ['uniform3fv', list((b) => b.origin)],
    blockLast: ['uniform3fv', list((b) => b.size.map((n) => n - 1))],
    blockPerMetre: ['uniform1fv', list((b) => [1 / b.step])],
    blockOffset: ['uniform3fv', list((b) => b.offset)],
    eyeRows: ['uniform4fv', parts.templateFromPosed.subarray(0, 24)],
    mouthRows: ['uniform4fv', parts.templateFromPosed.subarray(24)],
    eyeShape: [
      'uniform3fv',
      Float32Array.from(fixed.eyes.flatMap((eye, e) => [eye.radius, eye.bulge, parts.scales[e]])),
    ],
    mouthHigh: [
      'uniform4fv',
      Float32Array.from(fixed.mouthBoxes.flatMap((box, i) => [...box.max, parts.scales[2 + i]])),
    ],
    mouthMin: ['uniform3fv', Float32Array.from(parts.mouthMin)],
    mouthMax: ['uniform3fv', Float32Array.from(parts.mouthMax)],
    boundsMin: ['uniform3fv', bounds.min],
    boundsMax: ['uniform3fv', bounds.max],
  };
}

const TARGETS: Record<keyof typeof UNITS, '3D' | '2D' | 'array'> = {
  deformation: '3D',
  brickIndex: '3D',
  brickDistance: '3D',
  brickUv: '3D',
  partGrids: '3D',
  tileStart: '2D',
  albedoMap: '2D',
  partMaps: 'array',
};

function updateRegion(
  gl: WebGL2RenderingContext,
  texture: WebGLTexture,
  { data, width }: PartImage,
  [x, y, w, h]: readonly [number, number, number, number],
): void {
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.pixelStorei(gl.UNPACK_ROW_LENGTH, width);
  gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, x);
  gl.pixelStorei(gl.UNPACK_SKIP_ROWS, y);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y, w, h, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  gl.generateMipmap(gl.TEXTURE_2D);
}

/** How wide the cone of a tile is: its radius at the ray's origin, and how much it grows by the metre. */
function measureCone(
  clipFromAvatar: Float64Array,
  bounds: PosedBake['bounds'],
  width: number,
  height: number,
): { radiusAtOrigin: number; spread: number } {
  const m = invert4(clipFromAvatar);
  const at = (x: number, y: number, z: number) => {
    const w = m[3] * x + m[7] * y + m[11] * z + m[15];
    return [0, 1, 2].map((k) => (m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k]) / w);
  };
  // From a tile's middle to its corner, in the picture's middle, where a perspective's pixels are widest apart in angle.
  const half = [TILE / width, TILE / height];
  const apart = (z: number) => {
    const [a, b] = [at(0, 0, z), at(half[0], half[1], z)];
    return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  };
  const [front, back] = [at(0, 0, -1), at(0, 0, 1)];
  const length = Math.hypot(front[0] - back[0], front[1] - back[1], front[2] - back[2]);
  const size = Math.hypot(...[0, 1, 2].map((k) => bounds.max[k] - bounds.min[k]));
  const spread = (apart(1) - apart(-1)) / Math.max(length, size * 1e-6);
  return { radiusAtOrigin: apart(-1), spread: Math.max(spread, 0) };
}

/** The rotation of a matrix with an even scale, `[3, 3]` column-major. */
function rotationOf(m: ArrayLike<number>): Float32Array {
  const scale = Math.hypot(m[0], m[1], m[2]) || 1;
  return Float32Array.of(m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]).map((x) => x / scale);
}
