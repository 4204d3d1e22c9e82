import { describe, expect, it, vi } from 'vitest';
import { encodeSrgb, toneMapNeutral } from '../src/colour.js';
import {
  computeSurfaceLight,
  createAvatarRenderer,
  createSurfaceLight,
  type PartMesh,
  type PunctualLight,
} from '../src/index.js';
import { createProgram } from '../src/program.js';
import { checkerImage, solidImage, sphereMesh } from './support/meshes.js';
import { CAMERA, createContext, createTarget, LIGHTING } from './support/scene.js';

const SIZE = 64;
const MIDDLE = 4 * (SIZE / 2 - 1 + (SIZE / 2 - 1) * SIZE);

function setUp(meshes: PartMesh[] = [sphereMesh('skin')], format: 'RGBA32F' | 'RGBA8' = 'RGBA32F') {
  const gl = createContext(SIZE);
  const target = createTarget(gl, SIZE, format);
  const renderer = createAvatarRenderer({ gl });
  renderer.setMeshes(meshes);
  const frame = { ...CAMERA, viewport: [0, 0, SIZE, SIZE] as const, framebuffer: target.framebuffer };
  return { gl, target, renderer, frame };
}

describe('colour', () => {
  it('is what its twin computes at every pixel of a sphere', () => {
    const gl = createContext(SIZE);
    const target = createTarget(gl, SIZE, 'RGBA32F');
    const gloss = { f0: 0.04, roughness: 0.5 };
    const lights: PunctualLight[] = [
      { kind: 'directional', colour: [0.3, 0.2, 0.1], intensity: 2, toLight: [2, 1, 1] },
      { kind: 'point', colour: [0.1, 0.4, 0.9], position: [-1, -0.5, 1.4] },
    ];
    const renderer = createAvatarRenderer({ gl, gloss: { skin: gloss } });
    // A byte of 188 is 0.5029 in linear light.
    const albedo = 0.502886;
    renderer.setMeshes([sphereMesh('skin', { image: solidImage([188, 188, 188]), rows: 200 })]);
    renderer.setLighting(LIGHTING);
    renderer.setLights(lights);
    renderer.render({
      ...CAMERA,
      viewport: [0, 0, SIZE, SIZE],
      framebuffer: target.framebuffer,
      outputColourSpace: 'srgb-linear',
    });
    const actual = target.read();
    const light = createSurfaceLight(LIGHTING, lights);
    const tangent = Math.tan(0.3);
    let compared = 0;
    for (let i = 0; i < SIZE * SIZE; i++) {
      const ray = [
        ((((i % SIZE) + 0.5) * 2) / SIZE - 1) * tangent,
        (1 - ((Math.floor(i / SIZE) + 0.5) * 2) / SIZE) * tangent,
        -1,
      ];
      const length = Math.hypot(...ray);
      const [dx, dy, dz] = ray.map((value) => value / length);
      // From (0, 0, 4): t^2 + 8 dz t + 15 = 0.
      const discriminant = 16 * dz * dz - 15;
      if (discriminant < 0.06) continue; // the facetted outline
      const t = -4 * dz - Math.sqrt(discriminant);
      const n = [t * dx, t * dy, 4 + t * dz] as const;
      const expected = computeSurfaceLight(light, [albedo, albedo, albedo], gloss, n, n, [-dx, -dy, -dz]);
      expect(actual.subarray(4 * i, 4 * i + 3)).toBeCloseToTensor(expected, 5e-3);
      compared++;
    }
    expect(compared).toBeGreaterThan(1500);
  });

  it('is encoded for the canvas unless told otherwise', () => {
    const { target, renderer, frame } = setUp([sphereMesh('skin', { image: solidImage([100, 150, 200]) })], 'RGBA8');
    renderer.render(frame);
    // Even light of 1 gives the texture back.
    expect(target.readBytes().subarray(MIDDLE, MIDDLE + 4)).toBeCloseToTensor([100, 150, 200, 255], 1);
    expect(encodeSrgb(0.502886) * 255).toBeCloseTo(188, 1);
  });

  it('is exposed, and mapped into range before it is encoded', () => {
    const { target, renderer, frame } = setUp([sphereMesh('skin', { image: solidImage([255, 188, 60]) })], 'RGBA8');
    renderer.render({ ...frame, exposure: 3, toneMapping: 'neutral' });
    const mapped = toneMapNeutral([3, 3 * 0.502886, 3 * 0.045186]).map((x) => 255 * encodeSrgb(x));
    expect(target.readBytes().subarray(MIDDLE, MIDDLE + 3)).toBeCloseToTensor(mapped, 1);
    expect(mapped[0]).toBeLessThan(255);
  });

  it('takes texels in linear light: a fine checker looks as its linear mean', () => {
    const image = checkerImage(1024, 1024);
    const { target, renderer, frame } = setUp([sphereMesh('skin', { image })]);
    renderer.render({ ...frame, outputColourSpace: 'srgb-linear' });
    const linear = (byte: number) => ((byte / 255 + 0.055) / 1.055) ** 2.4;
    const mean = [(linear(230) + linear(90)) / 2, (linear(190) + linear(120)) / 2, (linear(165) + linear(170)) / 2];
    // Nearer than mixing the bytes would be, which is 0.06 away in red.
    expect(target.read().subarray(MIDDLE, MIDDLE + 3)).toBeCloseToTensor(mean, 0.01);
  });

  it('has row 0 of the image at v = 0, and u toward +X', () => {
    const image = {
      data: Uint8Array.from([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 9, 9, 9, 255]),
      width: 2,
      height: 2,
    };
    const { target, renderer, frame } = setUp([sphereMesh('skin', { image })], 'RGBA8');
    renderer.render(frame);
    const pixels = target.readBytes();
    const at = (x: number, y: number) => Array.from(pixels.subarray(4 * (x + y * SIZE), 4 * (x + y * SIZE) + 3));
    const [topLeft, topRight, bottomLeft] = [at(12, 16), at(52, 16), at(12, 48)];
    expect(topLeft[0]).toBeGreaterThan(180);
    expect(topRight[1]).toBeGreaterThan(180);
    expect(bottomLeft[2]).toBeGreaterThan(180);
  });
});

describe('depth', () => {
  it('hides what is behind, whatever the order, and composes with what is there', () => {
    const near = sphereMesh('near', { center: [0, 0, 1], radius: 0.3, image: solidImage([255, 0, 0]) });
    const far = sphereMesh('far', { radius: 0.8, image: solidImage([0, 0, 255]) });
    for (const meshes of [
      [near, far],
      [far, near],
    ]) {
      const { target, renderer, frame } = setUp(meshes, 'RGBA8');
      renderer.render(frame);
      expect(Array.from(target.readBytes().subarray(MIDDLE, MIDDLE + 3))).toEqual([255, 0, 0]);
    }
    const { target, renderer, frame } = setUp([near], 'RGBA8');
    renderer.render(frame);
    renderer.setMeshes([far]);
    renderer.render(frame);
    expect(Array.from(target.readBytes().subarray(MIDDLE, MIDDLE + 3))).toEqual([255, 0, 0]);
  });

  it('is the distance that the projection makes of it', () => {
    const { gl, target, renderer, frame } = setUp();
    renderer.render({ ...frame, outputColourSpace: 'srgb-linear' });
    // The sphere's nearest point is 3 m away; near is 1, far is 10.
    const depthAt = (z: number) => ((10 + 1) / (10 - 1) - (2 * 10) / (10 - 1) / z) * 0.5 + 0.5;
    const vertex =
      'uniform vec3 z; void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, z.x, 1.0); }';
    const fragment = 'out vec4 colour; void main() { colour = vec4(0.0, 1.0, 0.0, 1.0); }';
    const head = '#version 300 es\nprecision highp float;\n';
    const probe = createProgram(gl, head + vertex, head + fragment);
    const seenAt = (z: number) => {
      gl.bindFramebuffer(gl.FRAMEBUFFER, target.framebuffer);
      gl.viewport(0, 0, SIZE, SIZE);
      gl.enable(gl.DEPTH_TEST);
      gl.depthMask(false);
      gl.useProgram(probe.handle);
      gl.uniform3f(probe.uniforms.z, 2 * depthAt(z) - 1, 0, 0);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      const [red, green] = target.read().subarray(MIDDLE);
      return green === 1 && red === 0;
    };
    expect(seenAt(3.02)).toBe(false);
    expect(seenAt(2.98)).toBe(true);
  });
});

describe('WebGL state', () => {
  /** Everything that WebGL tells about itself, by name. */
  function stateOf(gl: WebGL2RenderingContext): Record<string, unknown> {
    const skipped = /^(READ_BUFFER|COMPRESSED_TEXTURE_FORMATS|.*(SUBPIXEL|MAX_|_BITS).*)$/;
    const names = Object.keys(Object.getPrototypeOf(gl)).filter(
      (key) => /^[A-Z0-9_]+$/.test(key) && !skipped.test(key),
    );
    const state = Object.fromEntries(names.map((name) => [name, gl.getParameter(gl[name as 'VIEWPORT'])]));
    // Names that are no parameter.
    while (gl.getError());
    return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== null));
  }

  it('is left as found', () => {
    const { gl, renderer, frame } = setUp();
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    const sampler = gl.createSampler();
    gl.bindSampler(0, sampler);
    gl.activeTexture(gl.TEXTURE3);
    gl.bindVertexArray(gl.createVertexArray());
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, gl.createBuffer());
    gl.useProgram(createProgram(gl, '#version 300 es\nvoid main() {}', '#version 300 es\nvoid main() {}').handle);
    for (const name of ['BLEND', 'CULL_FACE', 'POLYGON_OFFSET_FILL', 'RASTERIZER_DISCARD'] as const)
      gl.enable(gl[name]);
    gl.depthFunc(gl.GREATER);
    gl.depthMask(false);
    gl.frontFace(gl.CW);
    gl.viewport(1, 2, 3, 4);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 7);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 8);
    const before = stateOf(gl);
    expect(Object.keys(before).length).toBeGreaterThan(60);

    renderer.setMeshes([sphereMesh('skin', { image: checkerImage(64, 4) })]);
    const moved = sphereMesh('skin', { radius: 0.5 });
    renderer.updatePositions('skin', moved.positions, moved.normals);
    renderer.setLighting(LIGHTING);
    renderer.render(frame);

    expect(gl.getError()).toBe(gl.NO_ERROR);
    expect(stateOf(gl)).toEqual(before);
    gl.activeTexture(gl.TEXTURE0);
    expect(gl.getParameter(gl.TEXTURE_BINDING_2D)).toBe(texture);
    expect(gl.getParameter(gl.SAMPLER_BINDING)).toBe(sampler);
  });

  it('does not disturb the picture', () => {
    const plain = setUp(undefined, 'RGBA8');
    plain.renderer.render(plain.frame);
    const odd = setUp([], 'RGBA8');
    odd.gl.pixelStorei(odd.gl.UNPACK_FLIP_Y_WEBGL, true);
    odd.gl.pixelStorei(odd.gl.UNPACK_SKIP_ROWS, 1);
    odd.gl.enable(odd.gl.BLEND);
    odd.gl.blendFunc(odd.gl.ONE, odd.gl.ONE);
    odd.gl.enable(odd.gl.CULL_FACE);
    odd.gl.cullFace(odd.gl.FRONT);
    odd.gl.depthFunc(odd.gl.NEVER);
    odd.renderer.setMeshes([sphereMesh('skin')]);
    odd.renderer.render(odd.frame);
    expect(odd.target.readBytes()).toEqual(plain.target.readBytes());
  });

  it('supplies viewport and framebuffer when none are given', () => {
    const { gl, target, renderer } = setUp(undefined, 'RGBA8');
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.framebuffer);
    gl.viewport(0, 0, SIZE / 2, SIZE / 2);
    renderer.render(CAMERA);
    const pixels = target.readBytes();
    const lowerLeft = 4 * (SIZE / 4 + ((SIZE * 3) / 4) * SIZE);
    expect(pixels[lowerLeft]).toBe(255);
    expect(pixels[4 * (SIZE - 5) + 4 * SIZE * 5]).toBe(0);
  });
});

it('shows a part of an image that was painted on', () => {
  const image = { data: new Uint8Array(4 * 64 * 64).fill(255), width: 64, height: 64 };
  const { gl, target, renderer, frame } = setUp([sphereMesh('skin', { image })], 'RGBA8');
  image.data.fill(0, 0, 4 * 64 * 64);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);
  // The middle of the picture is that of the chart.
  renderer.updateImage(image, [32, 0, 32, 64]);
  renderer.render(frame);
  const pixels = target.readBytes();
  expect(pixels[MIDDLE - 4 * 8]).toBe(255);
  expect(pixels[MIDDLE + 4 * 8]).toBe(0);
  expect(gl.getParameter(gl.UNPACK_FLIP_Y_WEBGL)).toBe(true);
  expect(() => renderer.updateImage({ ...image })).toThrow(expect.objectContaining({ code: 'UNKNOWN_PART' }));
});

it('moves a part', () => {
  const given = sphereMesh('skin');
  const original = given.positions;
  const { target, renderer, frame } = setUp([given], 'RGBA8');
  const { positions, normals } = sphereMesh('skin', { center: [5, 0, 0] });
  renderer.updatePositions('skin', positions, normals);
  renderer.render(frame);
  expect(target.readBytes().every((byte) => byte === 0)).toBe(true);
  expect(given.positions).toBe(original);
});

it('survives the loss of its context', async () => {
  const gl = createContext(SIZE);
  const onRestored = vi.fn();
  const renderer = createAvatarRenderer({ gl, onRestored });
  const draw = () => {
    const target = createTarget(gl, SIZE, 'RGBA8');
    renderer.render({ ...CAMERA, viewport: [0, 0, SIZE, SIZE], framebuffer: target.framebuffer });
    return target.readBytes();
  };
  renderer.setMeshes([sphereMesh('skin')]);
  renderer.setLighting(LIGHTING);
  const before = draw();
  expect(before[MIDDLE]).toBeGreaterThan(0);

  const loss = gl.getExtension('WEBGL_lose_context')!;
  const event = (name: string) => new Promise((resolve) => gl.canvas.addEventListener(name, resolve, { once: true }));
  const lost = event('webglcontextlost');
  loss.loseContext();
  // Also in the moment before the page hears of it.
  renderer.render(CAMERA);
  await lost;
  renderer.setMeshes([sphereMesh('skin')]);
  renderer.render(CAMERA);

  // The browser refuses in the very task of the event.
  await new Promise((resolve) => setTimeout(resolve));
  const restored = event('webglcontextrestored');
  loss.restoreContext();
  await restored;
  expect(onRestored).toHaveBeenCalledOnce();
  expect(draw()).toEqual(before);
});

describe('errors', () => {
  it.each([[null], [document.createElement('canvas').getContext('webgl')]])(
    'refuse a context that is not WebGL2: %s',
    (gl) => {
      const wrong = gl as WebGL2RenderingContext | null;
      expect(() => createAvatarRenderer({ gl: wrong })).toThrow(expect.objectContaining({ code: 'NO_WEBGL2' }));
    },
  );

  it.each<[string, Partial<PartMesh>]>([
    ['positions', { positions: new Float32Array(4) }],
    ['normals', { normals: new Float32Array(3) }],
    ['uvs', { uvs: new Float32Array(3) }],
    ['indices', { indices: new Uint32Array(4) }],
    ['indices', { indices: Uint32Array.of(0, 1, 1e6) }],
    ['image', { image: { data: new Uint8Array(3), width: 1, height: 1 } }],
    ['image', { image: { data: new Uint8Array(4e6), width: 1e6, height: 1 } }],
  ])('name the part and its %s that do not fit', (what, wrong) => {
    const { renderer } = setUp();
    const act = () => renderer.setMeshes([{ ...sphereMesh('tongue'), ...wrong }]);
    expect(act).toThrow(
      expect.objectContaining({ code: 'SHAPE', message: expect.stringContaining(`tongue: ${what}`) }),
    );
  });

  it('name an unknown part, and arrays of another length', () => {
    const { renderer } = setUp();
    const three = new Float32Array(3);
    expect(() => renderer.updatePositions('nose', three, three)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_PART' }),
    );
    expect(() => renderer.updatePositions('skin', three, three)).toThrow(expect.objectContaining({ code: 'SHAPE' }));
    expect(() => renderer.setLighting(three)).toThrow(expect.objectContaining({ code: 'SHAPE' }));
    const lights: PunctualLight[] = new Array(5).fill({ kind: 'point', colour: [1, 1, 1], position: [0, 0, 1] });
    expect(() => renderer.setLights(lights)).toThrow(expect.objectContaining({ code: 'RANGE' }));
  });

  it('say that the renderer was disposed of', () => {
    const { gl, renderer, frame } = setUp();
    renderer.dispose();
    expect(() => renderer.render(frame)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    expect(gl.getError()).toBe(gl.NO_ERROR);
  });

  it('show where a shader is wrong', () => {
    const { gl } = setUp();
    const act = () => createProgram(gl, '#version 300 es\nvoid main() {\n  gl_Position = missing;\n}', '');
    expect(act).toThrow(expect.objectContaining({ code: 'SHADER' }));
    expect(act).toThrow(/vertex shader.*'missing'[\s\S]*3 \| {3}gl_Position = missing;\n {2}\| {17}\^/);
  });
});
