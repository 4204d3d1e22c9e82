import { mat4 } from 'gl-matrix';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from 'vitest/browser';
import { createBakedField } from '../src/bake/baked-field.js';
import { traceBaked } from '../src/bake/trace.js';
import { createAvatarRenderer, createBakedRenderer, FACE_GLOSS } from '../src/index.js';
import { invert4, multiply4 } from '../src/matrices.js';
import { checkerImage, solidImage, sphereMesh } from './support/meshes.js';
import { CAMERA, createContext, createTarget, LIGHTING } from './support/scene.js';
import { createToyBake, TOY_ALBEDOS } from './support/toy-bake.js';

const SIZE = 128;
/** The toy is a tenth of a metre large, the tests' camera looks at things of a metre. */
const SCALE = 10;
const worldFromAvatar = [SCALE, 0, 0, 0, 0, SCALE, 0, 0, 0, 0, SCALE, 0, 0, 0, 0, 1];
const VIEW = { ...CAMERA, worldFromAvatar, viewport: [0, 0, SIZE, SIZE] as const };

describe('the baked path', () => {
  let toy: Awaited<ReturnType<typeof createToyBake>>;
  beforeAll(async () => {
    toy = await createToyBake();
  }, 60_000);

  function createToyRenderer(gl: WebGL2RenderingContext, options: { countReads?: boolean } = {}) {
    const renderer = createBakedRenderer({ gl, fixed: toy.fixed, gloss: FACE_GLOSS, ...options });
    renderer.setBake(toy.bake);
    renderer.setAlbedo(checkerImage(256, 16));
    renderer.setPartAlbedos(TOY_ALBEDOS);
    renderer.setLighting(LIGHTING);
    return renderer;
  }

  it('draws a toy with eyes and a jaw', async () => {
    const gl = createContext(SIZE);
    const target = createTarget(gl, SIZE, 'RGBA8');
    createToyRenderer(gl).render({ ...VIEW, framebuffer: target.framebuffer });
    const pixels = btoa(String.fromCharCode(...target.readBytes()));
    const file = 'packages/renderer-webgl/test/visual/golden/baked-toy.webgl.png';
    await commands.compareWithGolden(pixels, SIZE, SIZE, file, { maxDiffPixels: 60 });
  });

  it('meets the same parts as its twin on the CPU, with few reads', () => {
    const gl = createContext(SIZE);
    const target = createTarget(gl, SIZE, 'RGBA8');
    createToyRenderer(gl, { countReads: true }).render({ ...VIEW, framebuffer: target.framebuffer });
    const pixels = target.readBytes();
    const field = createBakedField(toy.fixed, toy.bake);
    const avatarFromClip = invert4(
      multiply4(CAMERA.clipFromCamera, multiply4(CAMERA.cameraFromWorld, worldFromAvatar)),
    );
    const unproject = (x: number, y: number, z: number) => {
      const m = avatarFromClip;
      const w = m[3] * x + m[7] * y + m[11] * z + m[15];
      return [0, 1, 2].map((k) => (m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k]) / w);
    };
    let agree = 0;
    let total = 0;
    let reads = 0;
    let covered = 0;
    for (let y = 1; y < SIZE; y += 3) {
      for (let x = 1; x < SIZE; x += 3) {
        const ndc = [(2 * x + 1) / SIZE - 1, 1 - (2 * y + 1) / SIZE] as const;
        const [near, far] = [unproject(...ndc, -1), unproject(...ndc, 1)];
        const length = Math.hypot(...near.map((n, k) => far[k] - n));
        const direction = near.map((n, k) => (far[k] - n) / length);
        const hit = traceBaked(field, near, direction, 0.12, 0.5);
        const at = 4 * (y * SIZE + x);
        const part = pixels[at + 2] === 255 ? pixels[at + 1] : -1;
        if (part >= 0 || hit) total++;
        if (part >= 0 && hit?.part === part) agree++;
        if (part < 0) continue;
        covered++;
        reads += pixels[at];
      }
    }
    expect(total).toBeGreaterThan(400);
    expect(agree / total).toBeGreaterThan(0.985);
    expect(reads / covered).toBeLessThan(16);
  });

  it('hides behind what is nearer and covers what is farther', () => {
    const gl = createContext(SIZE);
    const target = createTarget(gl, SIZE, 'RGBA8');
    const red = solidImage([255, 0, 0]);
    const mesh = createAvatarRenderer({ gl });
    // A ball in front of the left half of the picture, another deep inside the head.
    mesh.setMeshes([
      sphereMesh('near', { center: [-0.5, 0, 1.5], radius: 0.3, image: red }),
      sphereMesh('inside', { center: [0.45, 0.2, 0], radius: 0.3, image: red }),
    ]);
    mesh.render({ ...VIEW, framebuffer: target.framebuffer });
    createToyRenderer(gl).render({ ...VIEW, framebuffer: target.framebuffer });
    const pixels = target.readBytes();
    const isRed = (x: number, y: number) => pixels[4 * (y * SIZE + x)] > 200 && pixels[4 * (y * SIZE + x) + 1] < 30;
    const column = (worldX: number, worldZ: number) =>
      Math.round(SIZE / 2 + (worldX / (4 - worldZ) / Math.tan(0.3)) * (SIZE / 2));
    expect(isRed(column(-0.5, 1.5), SIZE / 2)).toBe(true);
    expect(isRed(column(0.45, 0), Math.round(SIZE / 2 - 8))).toBe(false);
  });

  it('draws the same again and again, whatever the masks were', () => {
    const gl = createContext(SIZE);
    const renderer = createToyRenderer(gl);
    const draw = () => {
      const target = createTarget(gl, SIZE, 'RGBA8');
      gl.depthMask(false);
      gl.stencilMask(0);
      renderer.render({ ...VIEW, framebuffer: target.framebuffer });
      gl.depthMask(true);
      return target.readBytes();
    };
    const first = draw();
    expect(first.some((value) => value > 0)).toBe(true);
    expect(draw()).toEqual(first);
  });

  it('sees the same whether rays begin at proxies or at the near plane', () => {
    const gl = createContext(SIZE);
    const renderer = createToyRenderer(gl, { countReads: true });
    // The second camera's near plane cuts the corners of the bounds that face it, and nothing else.
    const [apart, cut] = [1, 2.75].map((near) => {
      const target = createTarget(gl, SIZE, 'RGBA8');
      const clipFromCamera = Float32Array.from(mat4.perspective(mat4.create(), 0.6, 1, near, 10));
      renderer.render({ ...VIEW, clipFromCamera, framebuffer: target.framebuffer });
      return target.readBytes();
    });
    let same = 0;
    let covered = 0;
    let [fewer, more] = [0, 0];
    for (let i = 0; i < apart.length; i += 4) {
      if (!apart[i + 3] && !cut[i + 3]) continue;
      covered++;
      if (apart[i + 3] === cut[i + 3] && apart[i + 1] === cut[i + 1]) same++;
      fewer += apart[i];
      more += cut[i];
    }
    expect(covered).toBeGreaterThan(4000);
    expect(same / covered).toBeGreaterThan(0.99);
    expect(fewer).toBeLessThan(more);
  });

  it('leaves the state as it was', () => {
    const gl = createContext(SIZE);
    const renderer = createToyRenderer(gl);
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE3);
    gl.bindTexture(gl.TEXTURE_3D, texture);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(1, 2, 30, 40);
    gl.enable(gl.BLEND);
    gl.colorMask(true, false, true, true);
    gl.viewport(3, 4, 50, 60);
    gl.cullFace(gl.FRONT);
    gl.depthMask(false);
    gl.depthRange(0.25, 0.75);
    gl.stencilFuncSeparate(gl.BACK, gl.NOTEQUAL, 3, 0x0f);
    gl.stencilOp(gl.INVERT, gl.KEEP, gl.DECR);
    gl.stencilMask(0xf0);
    const renderbuffer = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, renderbuffer);
    const names = [
      'ACTIVE_TEXTURE',
      'BLEND',
      'SCISSOR_TEST',
      'CULL_FACE',
      'DEPTH_TEST',
      'CULL_FACE_MODE',
      'COLOR_WRITEMASK',
      'VIEWPORT',
      'CURRENT_PROGRAM',
      'VERTEX_ARRAY_BINDING',
      'DRAW_FRAMEBUFFER_BINDING',
      'TEXTURE_BINDING_3D',
      'TEXTURE_BINDING_2D',
      'UNPACK_ALIGNMENT',
      'DEPTH_WRITEMASK',
      'DEPTH_RANGE',
      'STENCIL_FUNC',
      'STENCIL_BACK_FUNC',
      'STENCIL_BACK_REF',
      'STENCIL_BACK_VALUE_MASK',
      'STENCIL_FAIL',
      'STENCIL_PASS_DEPTH_PASS',
      'STENCIL_WRITEMASK',
      'RENDERBUFFER_BINDING',
    ] as const;
    const state = () => names.map((name) => gl.getParameter(gl[name]));
    const before = state();
    renderer.render(VIEW);
    expect(state()).toEqual(before);
    expect(gl.getError()).toBe(gl.NO_ERROR);
  });

  it('frees all that it made', () => {
    const gl = createContext(SIZE);
    const alive = new Map<string, number>();
    const count = (kind: string) => {
      const [create, remove] = [`create${kind}`, `delete${kind}`] as const;
      // Counts are taken on the context itself, so that nothing escapes them.
      const target = gl as unknown as Record<string, (...args: unknown[]) => unknown>;
      const [make, free] = [target[create].bind(gl), target[remove].bind(gl)];
      alive.set(kind, 0);
      target[create] = (...args) => {
        alive.set(kind, alive.get(kind)! + 1);
        return make(...args);
      };
      target[remove] = (object) => {
        if (object) alive.set(kind, alive.get(kind)! - 1);
        return free(object);
      };
    };
    for (const kind of ['Texture', 'Program', 'Shader', 'Framebuffer', 'VertexArray', 'Buffer']) count(kind);
    const renderer = createToyRenderer(gl);
    renderer.render(VIEW);
    renderer.setAlbedo(checkerImage(64, 4));
    renderer.render({ ...VIEW, viewport: [0, 0, 64, 32] });
    expect(alive.get('Texture')).toBeGreaterThan(5);
    renderer.dispose();
    expect(Object.fromEntries(alive)).toEqual({
      Texture: 0,
      Program: 0,
      Shader: 0,
      Framebuffer: 0,
      VertexArray: 0,
      Buffer: 0,
    });
    expect(() => renderer.render(VIEW)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });

  it('comes back after the context was lost', async () => {
    const gl = createContext(SIZE);
    const target = () => {
      const made = createTarget(gl, SIZE, 'RGBA8');
      renderer.render({ ...VIEW, framebuffer: made.framebuffer });
      return made.readBytes();
    };
    let restored = () => {};
    const renderer = createBakedRenderer({ gl, fixed: toy.fixed, onRestored: () => restored() });
    renderer.setBake(toy.bake);
    const before = target();
    expect(before.some((value) => value > 0)).toBe(true);
    const lose = gl.getExtension('WEBGL_lose_context')!;
    await new Promise<void>((done) => {
      restored = done;
      gl.canvas.addEventListener('webglcontextlost', () => setTimeout(() => lose.restoreContext(), 0), { once: true });
      lose.loseContext();
      renderer.render(VIEW);
    });
    expect(target()).toEqual(before);
  });
});
