/// <reference types="@webgpu/types" />
import { mat4 } from 'gl-matrix';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { commands } from 'vitest/browser';
import { createBakedRenderer, FACE_GLOSS } from '../src/index.js';
import { createWebGpuAvatarRenderer, createWebGpuBakedRenderer, toWebGpuClip } from '../src/webgpu/index.js';
import { checkerImage, dentedMap, solidImage, sphereMesh } from './support/meshes.js';
import { CAMERA, createContext, createTarget, LIGHTING } from './support/scene.js';
import { createToyBake, TOY_ALBEDOS } from './support/toy-bake.js';
import { comparePictures, countAlive, createGpuTarget, requestDevice } from './support/webgpu.js';

const SIZE = 128;
const device = await requestDevice();
const viewport = [0, 0, SIZE, SIZE] as const;
/** The toy is a tenth of a metre large, the tests' camera looks at things of a metre. */
const worldFromAvatar = [10, 0, 0, 0, 0, 10, 0, 0, 0, 0, 10, 0, 0, 0, 0, 1];
const VIEW = { ...CAMERA, worldFromAvatar, viewport };
const toGpu = <T extends typeof CAMERA>(view: T) => ({ ...view, clipFromCamera: toWebGpuClip(view.clipFromCamera) });

const LAMP = { kind: 'point', colour: [0.6, 0.5, 0.9], position: [1.5, -0.5, 2] } as const;
const ALBEDO = checkerImage(256, 16);

describe.skipIf(!device)('WebGPU, the baked path', () => {
  let toy: Awaited<ReturnType<typeof createToyBake>>;
  beforeAll(async () => {
    toy = await createToyBake();
  }, 60_000);

  function dress<T extends Awaited<ReturnType<typeof createRenderer>> | ReturnType<typeof createBakedRenderer>>(
    renderer: T,
  ): T {
    renderer.setBake(toy.bake);
    renderer.setAlbedo(ALBEDO);
    renderer.setPartAlbedos(TOY_ALBEDOS);
    renderer.setLighting(LIGHTING);
    renderer.setLights([LAMP]);
    return renderer;
  }

  const createRenderer = (on: GPUDevice = device!) =>
    createWebGpuBakedRenderer({ device: on, format: 'rgba8unorm', fixed: toy.fixed, gloss: FACE_GLOSS });

  it.each([
    ['from the front', VIEW],
    [
      'from the side, turned and shifted',
      {
        ...VIEW,
        cameraFromWorld: Float32Array.from(mat4.lookAt(mat4.create(), [2.4, 1, 2.6], [0, 0, 0], [0, 1, 0])),
        worldFromAvatar: [0, 0, -10, 0, 0, 10, 0, 0, 10, 0, 0, 0, 0.1, -0.1, 0.2, 1],
      },
    ],
    // Its near plane cuts the corners of the bounds that face it, and nothing else.
    [
      'with a near plane in the bounds',
      { ...VIEW, clipFromCamera: Float32Array.from(mat4.perspective(mat4.create(), 0.6, 1, 2.75, 10)) },
    ],
  ])('draws the same picture as WebGL2 %s', async (name, view) => {
    const gl = createContext(SIZE);
    const glTarget = createTarget(gl, SIZE, 'RGBA8');
    dress(createBakedRenderer({ gl, fixed: toy.fixed, gloss: FACE_GLOSS })).render({
      ...view,
      framebuffer: glTarget.framebuffer,
    });
    const renderer = dress(await createRenderer());
    const target = createGpuTarget(device!, SIZE);
    target.draw(
      (pass) => renderer.render(pass),
      (encoder) => renderer.prepare(encoder, toGpu(view)),
    );
    const pixels = await target.readBytes();
    const { meanColourDiff, iou, covered } = comparePictures(glTarget.readBytes(), pixels);
    console.info(`baked ${name}: mean colour difference ${meanColourDiff.toFixed(3)}/255, IoU ${iou.toFixed(5)}`);
    expect(covered).toBeGreaterThan(3500);
    expect(meanColourDiff).toBeLessThan(1.5);
    expect(iou).toBeGreaterThan(0.995);
    if (view === VIEW) {
      const file = 'packages/renderer-webgl/test/visual/golden/baked-toy.webgpu.png';
      await commands.compareWithGolden(btoa(String.fromCharCode(...pixels)), SIZE, SIZE, file, { maxDiffPixels: 60 });
    }
    renderer.dispose();
  });

  it('dents the skin with a normal map as WebGL2 does, and no other part', async () => {
    const relief = { normalMap: dentedMap(64, 8), normalScale: 1.2 };
    const draw = (options: Partial<typeof relief>) => {
      const gl = createContext(SIZE);
      const target = createTarget(gl, SIZE, 'RGBA8');
      const renderer = createBakedRenderer({ gl, fixed: toy.fixed, gloss: FACE_GLOSS, ...options });
      dress(renderer).render({ ...VIEW, framebuffer: target.framebuffer });
      renderer.dispose();
      return target.readBytes();
    };
    const [smooth, dented] = [draw({}), draw(relief)];
    const changed = [...smooth.keys()].filter((i) => Math.abs(smooth[i] - dented[i]) > 6).length / smooth.length;
    expect(changed).toBeGreaterThan(0.05);
    expect(comparePictures(smooth, draw({ ...relief, normalScale: 0 })).meanColourDiff).toBeLessThan(0.05);
    const renderer = dress(
      await createWebGpuBakedRenderer({ device, format: 'rgba8unorm', fixed: toy.fixed, gloss: FACE_GLOSS, ...relief }),
    );
    const target = createGpuTarget(device!, SIZE);
    target.draw(
      (pass) => renderer.render(pass),
      (encoder) => renderer.prepare(encoder, toGpu(VIEW)),
    );
    const { meanColourDiff } = comparePictures(dented, await target.readBytes());
    expect(meanColourDiff).toBeLessThan(1.5);
    expect(meanColourDiff).toBeLessThan(0.3 * comparePictures(smooth, dented).meanColourDiff);
    renderer.dispose();
  });

  it('hides behind what is nearer, covers what is farther, and stays in its viewport', async () => {
    const renderer = dress(await createRenderer());
    const mesh = await createWebGpuAvatarRenderer({ device, format: 'rgba8unorm' });
    const red = solidImage([255, 0, 0]);
    mesh.setMeshes([
      sphereMesh('near', { center: [-0.5, 0, 1.5], radius: 0.3, image: red }),
      sphereMesh('inside', { center: [0.45, 0.2, 0], radius: 0.3, image: red }),
    ]);
    const corner = [SIZE / 2, 0, SIZE / 2, SIZE / 2] as const;
    const target = createGpuTarget(device!, SIZE);
    target.draw(
      (pass) => {
        pass.setViewport(...corner, 0, 1);
        mesh.render(pass, toGpu(CAMERA));
        renderer.render(pass);
      },
      (encoder) => renderer.prepare(encoder, { ...toGpu(VIEW), viewport: corner }),
    );
    const pixels = await target.readBytes();
    const at = (x: number, y: number) => 4 * (y * SIZE + x);
    const isRed = (x: number, y: number) => pixels[at(x, y)] > 200 && pixels[at(x, y) + 1] < 30;
    const column = (worldX: number, worldZ: number) =>
      Math.round((SIZE * 3) / 4 + (worldX / (4 - worldZ) / Math.tan(0.3)) * (SIZE / 4));
    expect(isRed(column(-0.5, 1.5), SIZE / 4)).toBe(true);
    expect(isRed(column(0.45, 0), SIZE / 4 - 4)).toBe(false);
    expect(pixels[at(column(0.45, 0), SIZE / 4 - 4) + 3]).toBe(255);
    const drawn = (x: number, y: number) => pixels[at(x, y) + 3] > 0;
    const outside = Array.from({ length: SIZE * SIZE }, (_, i) => [i % SIZE, Math.floor(i / SIZE)] as const).filter(
      ([x, y]) => (x < SIZE / 2 || y >= SIZE / 2) && drawn(x, y),
    );
    expect(outside).toEqual([]);
    mesh.dispose();
    renderer.dispose();
  });

  it('shows what was painted, another bake, and nothing before the first', async () => {
    const renderer = await createRenderer();
    const target = createGpuTarget(device!, SIZE);
    const draw = async () => {
      target.draw(
        (pass) => renderer.render(pass),
        (encoder) => renderer.prepare(encoder, toGpu(VIEW)),
      );
      return target.readBytes();
    };
    expect((await draw()).every((byte) => byte === 0)).toBe(true);
    dress(renderer);
    const before = await draw();
    const painted = { ...ALBEDO, data: ALBEDO.data.slice() };
    const region = [100, 60, 60, 40] as const;
    for (let y = region[1]; y < region[1] + region[3]; y++)
      for (let x = region[0]; x < region[0] + region[2]; x++) painted.data.set([0, 255, 0, 255], 4 * (256 * y + x));
    renderer.setAlbedo(painted, region);
    const after = await draw();
    const changed = Array.from({ length: SIZE * SIZE }, (_, i) => 4 * i).filter((i) => after[i] !== before[i]);
    expect(changed.length).toBeGreaterThan(100);
    expect(changed.length).toBeLessThan(2500);
    const moved = { ...toy.bake, volume: { ...toy.bake.volume, data: new Uint16Array(toy.bake.volume.data.length) } };
    renderer.setBake(moved);
    expect(await draw()).not.toEqual(after);
    renderer.setBake(toy.bake);
    expect(await draw()).toEqual(after);
    renderer.dispose();
  });

  it('frees what it took', async () => {
    const own = (await requestDevice())!;
    const alive = countAlive(own);
    const renderer = dress(await createRenderer(own));
    for (const size of [32, 64])
      renderer.prepare(own.createCommandEncoder(), { ...toGpu(VIEW), viewport: [0, 0, size, size] });
    // Four volumes and D, skin, parts, and the depth of one size.
    expect(alive.textures).toBe(8);
    renderer.setBake(toy.bake);
    expect(alive).toEqual({ buffers: 5, textures: 8 });
    renderer.dispose();
    expect(alive).toEqual({ buffers: 0, textures: 0 });
    expect(() => renderer.setBake(toy.bake)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    own.destroy();
  });

  it('says that the device is lost, in every method', async () => {
    const own = (await requestDevice())!;
    const onLost = vi.fn();
    const renderer = await createWebGpuBakedRenderer({ device: own, format: 'rgba8unorm', fixed: toy.fixed, onLost });
    renderer.setBake(toy.bake);
    own.destroy();
    await own.lost;
    const lost = expect.objectContaining({ code: 'DEVICE_LOST' });
    expect(onLost).toHaveBeenCalledExactlyOnceWith(lost);
    const encoder = device!.createCommandEncoder();
    for (const method of [
      () => renderer.setBake(toy.bake),
      () => renderer.setAlbedo(ALBEDO),
      () => renderer.setPartAlbedos(TOY_ALBEDOS),
      () => renderer.setLighting(LIGHTING),
      () => renderer.prepare(encoder, toGpu(VIEW)),
    ])
      expect(method).toThrow(lost);
    renderer.dispose();
  });
});
