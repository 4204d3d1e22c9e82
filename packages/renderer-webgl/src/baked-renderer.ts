/// <reference path="./glsl.d.ts" />
import type { PosedBake, StaticBake } from './bake/baker.js';
import {
  coveredRectangle,
  type FieldUniforms,
  fixedUniforms,
  isCutByNear,
  poseUniforms,
  proxyOfBake,
} from './bake/field-uniforms.js';
import { type ProxyParts, partProxies, REACHES } from './bake/proxy-mesh.js';
import { setOutput } from './colour.js';
import { keepResources } from './context-resources.js';
import { keepBindings, keepDrawState, keepStencil, keepTextureUnits } from './gl-state.js';
import { IDENTITY, invert4, multiply4 } from './matrices.js';
import type { NormalMapOptions } from './normal-map.js';
import { createTexture, updateRegion } from './part-buffers.js';
import { createPartMaps, packGlosses, WHITE } from './part-maps.js';
import { assembleShader, checkContext, createProgram, type Program } from './program.js';
import bakedMain from './shaders/baked.frag.glsl';
import boxMain from './shaders/box.vert.glsl';
import fieldChunk from './shaders/chunks/field.glsl';
import normalMapChunk from './shaders/chunks/normal-map.glsl';
import outputChunk from './shaders/chunks/output.glsl';
import rayChunk from './shaders/chunks/ray.glsl';
import shadingChunk from './shaders/chunks/shading.glsl';
import surfaceChunk from './shaders/chunks/surface.glsl';
import surfaceLightChunk from './shaders/chunks/surface-light.glsl';
import traceChunk from './shaders/chunks/trace.glsl';
import coverMain from './shaders/cover.vert.glsl';
import presentMain from './shaders/present.frag.glsl';
import proxyFragmentMain from './shaders/proxy.frag.glsl';
import proxyMain from './shaders/proxy.vert.glsl';
import tilesMain from './shaders/tiles.vert.glsl';
import undecidedMain from './shaders/undecided.frag.glsl';
import { keepSurfaceLight, type LightSetters, setSurfaceLight } from './surface-light.js';
import { createTexture3d, updateTexture3d } from './texture-3d.js';
import type { Gloss, PartImage, RenderOptions } from './types.js';

export interface BakedRendererOptions extends NormalMapOptions {
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
export interface BakedRenderer extends LightSetters {
  /** Another face or expression. The bake is kept, not copied. */
  setBake(bake: PosedBake): void;

  /** The skin's texture. @param region - `[x, y, width, height]` of what changed, texels, when the image is the one that is set already. */
  setAlbedo(image: PartImage, region?: readonly [number, number, number, number]): void;

  /** Textures of the parts after the skin, by name, all of one size. */
  setPartAlbedos(images: Readonly<Record<string, PartImage>>): void;

  /** Draws and leaves WebGL's state as it was. Does nothing before `setBake` and while the context is lost. */
  render(options: BakedRenderOptions): void;

  /** Frees everything on the graphics card. */
  dispose(): void;
}

export interface BakedRenderOptions extends RenderOptions {
  /** Where the avatar stands, 16 numbers, column-major: a rotation, a shift and an even scale. The identity when absent. */
  worldFromAvatar?: ArrayLike<number>;
}

const UNITS = {
  deformation: 0,
  brickIndex: 1,
  brickField: 2,
  brickUv: 3,
  partGrids: 4,
  albedoMap: 5,
  partMaps: 6,
  proxyDepth: 7,
  normalMap: 8,
};
/** What the last passes read. */
const RESULT_UNITS = { hitDepth: 0, traced: 1, proxyDepth: UNITS.proxyDepth };
/** Where the tiles of a pass read what its pixels want. */
const WANTS_UNIT = UNITS.normalMap + 1;
/** For pictures of numbers in place of colours. */
const AS_IS = { outputColourSpace: 'srgb-linear', toneMapping: 'none', exposure: 1 } as const;
/** Pixels along a tile's side. */
const TILE = 4;

/** How the stencil and the proxies' texture name the program of a reach: 0 is where there is nothing. */
const programOf = (reach: number) => 1 + reach;

interface Resources {
  proxy: Program;
  /** By `REACHES`: each reads no more than a ray from there may meet. */
  traces: readonly Program[];
  undecided: Program;
  present: Program;
  textures: Partial<Record<keyof typeof UNITS, WebGLTexture>>;
  deformationSize?: string;
  targets?: Targets;
  proxyArray: WebGLVertexArrayObject;
  proxyPositions: WebGLBuffer;
  proxyIndices: WebGLBuffer;
  /** For triangles whose corners are numbered. */
  noArray: WebGLVertexArrayObject;
}

/** What is drawn into on the way, of a viewport's size. */
interface Targets {
  size: string;
  /** Depth and the stencil that says which program a pixel needs. */
  depthStencil: WebGLRenderbuffer;
  proxyDepth: WebGLTexture;
  traced: WebGLTexture;
  hitDepth: WebGLTexture;
  /** Which pixels need the whole field. */
  whole: WebGLTexture;
  proxyFramebuffer: WebGLFramebuffer;
  wholeFramebuffer: WebGLFramebuffer;
  tracedFramebuffer: WebGLFramebuffer;
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
  const { fixed, gloss = {}, maxAnisotropy = 8, normalMap, normalScale = 1 } = options;
  const parts = partProxies(fixed);
  let proxyBegins: ProxyParts['begins'] = [0, 0, 0, 0];
  let bake: PosedBake | undefined;
  let pose: FieldUniforms | undefined;
  let albedo: PartImage | undefined;
  let partAlbedos: Readonly<Record<string, PartImage>> = {};
  const { present, checkOpen, dispose } = keepResources(gl, upload, free, options.onRestored);
  const light = keepSurfaceLight(checkOpen);

  function upload(): Resources {
    const cover = assembleShader(coverMain);
    const tiles = assembleShader(tilesMain);
    const trace = (define: string) =>
      createProgram(
        gl,
        tiles,
        assembleShader(
          define,
          options.countReads ? '#define COUNT_READS' : '',
          ...(normalMap ? ['#define NORMAL_MAP', normalMapChunk] : []),
          rayChunk,
          fieldChunk,
          traceChunk,
          shadingChunk,
          surfaceLightChunk,
          surfaceChunk,
          bakedMain,
        ),
      );
    const created: Resources = {
      proxy: createProgram(gl, assembleShader(proxyMain), assembleShader(proxyFragmentMain)),
      traces: [trace('#define ONLY_HEAD\n#define ONLY_SKIN'), trace('#define ONLY_SKIN'), trace('')],
      undecided: createProgram(gl, cover, assembleShader(undecidedMain)),
      present: createProgram(gl, assembleShader(boxMain), assembleShader(outputChunk, presentMain)),
      textures: {},
      proxyArray: gl.createVertexArray(),
      proxyPositions: gl.createBuffer(),
      proxyIndices: gl.createBuffer(),
      noArray: gl.createVertexArray(),
    };
    keepBindings(gl, () => {
      gl.bindVertexArray(created.proxyArray);
      gl.bindBuffer(gl.ARRAY_BUFFER, created.proxyPositions);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, created.proxyIndices);
      gl.enableVertexAttribArray(0);
      gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    });
    keepTextureUnits(gl, 1, () => {
      const { template, parts } = fixed;
      created.textures.brickIndex = createTexture3d(gl, 'RGBA8UI', template.index.size, template.index.data);
      created.textures.brickField = createTexture3d(gl, 'RGBA8_SNORM', template.fieldSize, template.field);
      created.textures.brickUv = createTexture3d(gl, 'RG16F', template.uvSize, template.uv);
      created.textures.partGrids = createTexture3d(gl, 'R16F', parts.size, parts.distance);
      if (normalMap) created.textures.normalMap = createTexture(gl, normalMap, maxAnisotropy, 'linear');
      uploadBake(created);
      uploadAlbedo(created);
      uploadPartAlbedos(created);
    });
    for (const program of created.traces) setFixedUniforms(program);
    setUnits(created.undecided, RESULT_UNITS);
    setUnits(created.present, RESULT_UNITS);
    return created;
  }

  function setUnits({ handle, uniforms }: Program, units: Readonly<Record<string, number>>): void {
    const before = gl.getParameter(gl.CURRENT_PROGRAM);
    gl.useProgram(handle);
    for (const [name, unit] of Object.entries(units)) if (uniforms[name]) gl.uniform1i(uniforms[name], unit);
    gl.useProgram(before);
  }

  function setField(uniforms: Program['uniforms'], values: FieldUniforms): void {
    for (const [name, [components, numbers]] of Object.entries(values))
      gl[`uniform${components}fv`](uniforms[name] ?? null, numbers);
  }

  function setFixedUniforms(program: Program): void {
    setUnits(program, { ...UNITS, wants: WANTS_UNIT });
    const { handle, uniforms } = program;
    const before = gl.getParameter(gl.CURRENT_PROGRAM);
    gl.useProgram(handle);
    setField(uniforms, fixedUniforms(fixed));
    gl.uniform1f(uniforms.normalScale ?? null, normalScale);
    gl.useProgram(before);
  }

  function uploadBake(target: Resources): void {
    if (!bake) return;
    const { size, data } = bake.volume;
    const key = size.join();
    if (target.textures.deformation && target.deformationSize === key) {
      updateTexture3d(gl, target.textures.deformation, 'RGBA16F', size, data);
    } else {
      gl.deleteTexture(target.textures.deformation ?? null);
      target.textures.deformation = createTexture3d(gl, 'RGBA16F', size, data);
      target.deformationSize = key;
    }
    const { positions, triangles, begins } = proxyOfBake(fixed, parts, bake);
    keepBindings(gl, () => {
      gl.bindVertexArray(target.proxyArray);
      gl.bindBuffer(gl.ARRAY_BUFFER, target.proxyPositions);
      gl.bufferData(gl.ARRAY_BUFFER, positions, gl.DYNAMIC_DRAW);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.DYNAMIC_DRAW);
    });
    proxyBegins = begins;
  }

  function uploadAlbedo(target: Resources): void {
    gl.deleteTexture(target.textures.albedoMap ?? null);
    target.textures.albedoMap = createTexture(gl, albedo ?? WHITE, maxAnisotropy);
  }

  function uploadPartAlbedos(target: Resources): void {
    gl.deleteTexture(target.textures.partMaps ?? null);
    target.textures.partMaps = createPartMaps(gl, partAlbedos);
  }

  function free(resources: Resources): void {
    for (const texture of Object.values(resources.textures)) gl.deleteTexture(texture);
    for (const buffer of [resources.proxyPositions, resources.proxyIndices]) gl.deleteBuffer(buffer);
    for (const array of [resources.proxyArray, resources.noArray]) gl.deleteVertexArray(array);
    const { proxy, traces, undecided, present: last } = resources;
    for (const { handle } of [proxy, ...traces, undecided, last]) gl.deleteProgram(handle);
    if (resources.targets) freeTargets(resources.targets);
  }

  function freeTargets(targets: Targets): void {
    gl.deleteRenderbuffer(targets.depthStencil);
    for (const name of ['proxyDepth', 'traced', 'hitDepth', 'whole'] as const) gl.deleteTexture(targets[name]);
    for (const name of ['proxyFramebuffer', 'wholeFramebuffer', 'tracedFramebuffer'] as const)
      gl.deleteFramebuffer(targets[name]);
  }

  /** Leaves bindings of the active unit, of framebuffers and of the renderbuffer behind. */
  function targetsFor(resources: Resources, width: number, height: number): Targets {
    const size = `${width} ${height}`;
    if (resources.targets?.size === size) return resources.targets;
    if (resources.targets) freeTargets(resources.targets);
    const texture = (format: 'R8UI' | 'R32UI' | 'RGBA16F' | 'SRGB8_ALPHA8') => {
      const created = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, created);
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl[format], width, height);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      return created;
    };
    const depthStencil = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, depthStencil);
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.DEPTH24_STENCIL8, width, height);
    const framebuffer = (...colours: WebGLTexture[]) => {
      const created = gl.createFramebuffer();
      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, created);
      gl.framebufferRenderbuffer(gl.DRAW_FRAMEBUFFER, gl.DEPTH_STENCIL_ATTACHMENT, gl.RENDERBUFFER, depthStencil);
      colours.forEach((colour, i) => {
        gl.framebufferTexture2D(gl.DRAW_FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, colour, 0);
      });
      gl.drawBuffers(colours.map((_, i) => gl.COLOR_ATTACHMENT0 + i));
      return created;
    };
    const canDrawFloats = gl.getExtension('EXT_color_buffer_float') ?? gl.getExtension('EXT_color_buffer_half_float');
    const [proxyDepth, hitDepth, whole] = [texture('R32UI'), texture('R32UI'), texture('R8UI')];
    // Without floats light above 1 is cut off here already.
    const traced = texture(canDrawFloats ? 'RGBA16F' : 'SRGB8_ALPHA8');
    resources.targets = {
      size,
      depthStencil,
      proxyDepth,
      traced,
      hitDepth,
      whole,
      proxyFramebuffer: framebuffer(proxyDepth),
      wholeFramebuffer: framebuffer(whole),
      tracedFramebuffer: framebuffer(traced, hitDepth),
    };
    return resources.targets;
  }

  /** Draws what rays begin at, and for each pixel which program it needs. */
  function drawProxies(
    { proxy, proxyArray }: Resources,
    targets: Targets,
    clipFromAvatar: Float32Array,
    bounds: PosedBake['bounds'],
  ): void {
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, targets.proxyFramebuffer);
    // Clearing goes by the masks as well.
    gl.depthMask(true);
    gl.stencilMask(0xff);
    // The near plane may cut the proxies open: then rays begin at it, wherever they go.
    const cut = isCutByNear(clipFromAvatar, bounds, -1);
    gl.clearBufferfi(gl.DEPTH_STENCIL, 0, cut ? 0 : 1, 0);
    gl.clearBufferuiv(gl.COLOR, 0, [cut ? programOf(REACHES.whole) : 0, 0, 0, 0]);
    if (cut) return;
    gl.depthFunc(gl.LESS);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.REPLACE);
    gl.useProgram(proxy.handle);
    gl.uniformMatrix4fv(proxy.uniforms.clipFromAvatar, false, clipFromAvatar);
    gl.bindVertexArray(proxyArray);
    // Rays begin at outer sides. Those that face away are half of all triangles.
    gl.enable(gl.CULL_FACE);
    gl.cullFace(gl.BACK);
    gl.frontFace(gl.CCW);
    for (const reach of Object.values(REACHES)) {
      const count = proxyBegins[reach + 1] - proxyBegins[reach];
      if (count === 0) continue;
      gl.stencilFunc(gl.ALWAYS, programOf(reach), 0xff);
      gl.uniform1ui(proxy.uniforms.program, programOf(reach));
      gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 4 * proxyBegins[reach]);
    }
    gl.disable(gl.CULL_FACE);
  }

  /** Traces the pixels whose stencil is a reach's. @param wants - where the tiles read it. */
  function trace(
    resources: Resources,
    reach: (typeof REACHES)[keyof typeof REACHES],
    wants: WebGLTexture,
    [x, y, width, height]: readonly [number, number, number, number],
    setUniforms: (uniforms: Program['uniforms']) => void,
  ): void {
    const { handle, uniforms } = resources.traces[reach];
    const [columns, rows] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
    gl.useProgram(handle);
    setUniforms(uniforms);
    bind(WANTS_UNIT, '2D', wants);
    gl.uniform1ui(uniforms.wanted, programOf(reach));
    gl.uniform1i(uniforms.tile, TILE);
    gl.uniform2i(uniforms.corner, x, y);
    gl.uniform2i(uniforms.tiles, columns, rows);
    gl.stencilFunc(gl.EQUAL, programOf(reach), 0xff);
    gl.drawArrays(gl.POINTS, 0, columns * rows);
    bind(WANTS_UNIT, '2D', null);
  }

  function draw(
    resources: Resources,
    { bounds }: PosedBake,
    pose: FieldUniforms,
    renderOptions: BakedRenderOptions,
  ): void {
    const { clipFromCamera, cameraFromWorld, worldFromAvatar = IDENTITY } = renderOptions;
    const framebuffer =
      renderOptions.framebuffer === undefined
        ? gl.getParameter(gl.DRAW_FRAMEBUFFER_BINDING)
        : renderOptions.framebuffer;
    const viewport = renderOptions.viewport ?? gl.getParameter(gl.VIEWPORT);
    const [x, y, width, height] = viewport;
    const clipFromAvatar = Float32Array.from(multiply4(clipFromCamera, multiply4(cameraFromWorld, worldFromAvatar)));
    const avatarFromClip = Float32Array.from(invert4(clipFromAvatar));
    const setUniforms = (uniforms: Program['uniforms']) => {
      setField(uniforms, pose);
      gl.uniformMatrix4fv(uniforms.avatarFromClip, false, avatarFromClip);
      gl.uniformMatrix4fv(uniforms.clipFromAvatar, false, clipFromAvatar);
      gl.uniformMatrix4fv(uniforms.worldFromAvatar ?? null, false, Float32Array.from(worldFromAvatar));
      gl.uniform2f(uniforms.viewportSize, width, height);
      setSurfaceLight(gl, uniforms, light.current());
      gl.uniform4fv(uniforms.materials, packGlosses(gloss));
    };

    for (const name of ['BLEND', 'POLYGON_OFFSET_FILL', 'RASTERIZER_DISCARD', 'CULL_FACE'] as const)
      gl.disable(gl[name]);
    const scissor = gl.isEnabled(gl.SCISSOR_TEST);
    const scissorBox = gl.getParameter(gl.SCISSOR_BOX);
    const stencil = gl.isEnabled(gl.STENCIL_TEST);
    const colourMask = gl.getParameter(gl.COLOR_WRITEMASK);
    keepStencil(gl, () => {
      gl.disable(gl.SCISSOR_TEST);
      gl.enable(gl.STENCIL_TEST);
      gl.enable(gl.DEPTH_TEST);
      gl.colorMask(true, true, true, true);
      gl.activeTexture(gl.TEXTURE0 + UNITS.proxyDepth);
      const targets = targetsFor(resources, width, height);
      gl.bindTexture(gl.TEXTURE_2D, null);
      gl.viewport(0, 0, width, height);
      const depthRange = gl.getParameter(gl.DEPTH_RANGE);
      gl.depthRange(0, 1);
      drawProxies(resources, targets, clipFromAvatar, bounds);

      const covered = coveredRectangle(clipFromAvatar, bounds, [width, height], TILE);
      gl.disable(gl.DEPTH_TEST);
      gl.stencilOp(gl.KEEP, gl.KEEP, gl.KEEP);
      gl.bindVertexArray(resources.noArray);
      bindTextures(resources.textures);
      bind(UNITS.proxyDepth, '2D', targets.proxyDepth);
      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, targets.tracedFramebuffer);
      gl.clearBufferuiv(gl.COLOR, 1, [0, 0, 0, 0]);
      trace(resources, REACHES.head, targets.proxyDepth, covered, setUniforms);
      trace(resources, REACHES.skin, targets.proxyDepth, covered, setUniforms);

      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, targets.wholeFramebuffer);
      gl.clearBufferuiv(gl.COLOR, 0, [0, 0, 0, 0]);
      bind(RESULT_UNITS.hitDepth, '2D', targets.hitDepth);
      gl.useProgram(resources.undecided.handle);
      gl.stencilFunc(gl.ALWAYS, programOf(REACHES.whole), 0xff);
      gl.stencilOp(gl.KEEP, gl.KEEP, gl.REPLACE);
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(...covered);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      gl.disable(gl.SCISSOR_TEST);
      gl.stencilOp(gl.KEEP, gl.KEEP, gl.KEEP);
      bind(RESULT_UNITS.hitDepth, '2D', null);
      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, targets.tracedFramebuffer);
      trace(resources, REACHES.whole, targets.whole, covered, setUniforms);
      gl.depthRange(depthRange[0], depthRange[1]);

      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, framebuffer);
      bind(RESULT_UNITS.hitDepth, '2D', targets.hitDepth);
      bind(RESULT_UNITS.traced, '2D', targets.traced);
    });
    gl.viewport(x, y, width, height);
    gl.colorMask(colourMask[0], colourMask[1], colourMask[2], colourMask[3]);
    gl.scissor(scissorBox[0], scissorBox[1], scissorBox[2], scissorBox[3]);
    if (scissor) gl.enable(gl.SCISSOR_TEST);
    if (!stencil) gl.disable(gl.STENCIL_TEST);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);
    gl.cullFace(gl.BACK);
    gl.depthFunc(gl.LEQUAL);
    gl.depthMask(true);
    gl.frontFace(gl.CCW);
    const { handle, uniforms } = resources.present;
    gl.useProgram(handle);
    gl.uniformMatrix4fv(uniforms.clipFromAvatar, false, clipFromAvatar);
    gl.uniform3fv(uniforms.boundsMin, bounds.min);
    gl.uniform3fv(uniforms.boundsMax, bounds.max);
    gl.uniform2f(uniforms.viewportOrigin, x, y);
    setOutput(gl, uniforms, options.countReads ? { ...renderOptions, ...AS_IS } : renderOptions);
    gl.drawArrays(gl.TRIANGLES, 0, 36);
    // Drawn into again in the next frame.
    bind(RESULT_UNITS.hitDepth, '2D', null);
    bind(RESULT_UNITS.traced, '2D', null);
  }

  function bind(unit: number, kind: '3D' | '2D' | 'array', texture: WebGLTexture | null | undefined): void {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindSampler(unit, null);
    const target = kind === '3D' ? gl.TEXTURE_3D : kind === 'array' ? gl.TEXTURE_2D_ARRAY : gl.TEXTURE_2D;
    gl.bindTexture(target, texture ?? null);
  }

  function bindTextures(textures: Resources['textures']): void {
    for (const [name, unit] of Object.entries(UNITS) as [keyof typeof UNITS, number][])
      bind(unit, TARGETS[name], textures[name]);
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

    ...light.setters,

    render(renderOptions) {
      checkOpen('render');
      const current = present();
      const [posed, uniforms] = [bake, pose];
      if (!current || !posed || !uniforms) return;
      keepDrawState(gl, () =>
        keepTextureUnits(gl, WANTS_UNIT + 1, () => draw(current, posed, uniforms, renderOptions)),
      );
    },

    dispose,
  };
}

const TARGETS: Record<keyof typeof UNITS, '3D' | '2D' | 'array'> = {
  deformation: '3D',
  brickIndex: '3D',
  brickField: '3D',
  brickUv: '3D',
  partGrids: '3D',
  proxyDepth: '2D',
  normalMap: '2D',
  albedoMap: '2D',
  partMaps: 'array',
};
