/// <reference types="@webgpu/types" />
import { mat4 } from 'gl-matrix';
import { describe, expect, it, vi } from 'vitest';
import { commands } from 'vitest/browser';
import { createAvatarRenderer, FACE_GLOSS } from '../src/index.js';
import { createWebGpuAvatarRenderer, toWebGpuClip, type WebGpuAvatarRendererOptions } from '../src/webgpu/index.js';
import { createShaderModule } from '../src/webgpu/shader-module.js';
import { checkerImage, solidImage, sphereMesh } from './support/meshes.js';
import { CAMERA, createContext, createTarget, LIGHTING } from './support/scene.js';
import { comparePictures, countAlive, createGpuTarget, requestDevice } from './support/webgpu.js';

const SIZE = 128;
const device = await requestDevice();
const clipFromCamera = toWebGpuClip(CAMERA.clipFromCamera);
const GPU_CAMERA = { ...CAMERA, clipFromCamera };

/** From the side and below, nearer. */
const ASIDE = {
  cameraFromWorld: Float32Array.from(mat4.lookAt(mat4.create(), [2, -1, 2.5], [0, 0, 0], [0, 1, 0])),
  clipFromCamera: CAMERA.clipFromCamera,
};

const MESHES = [
  sphereMesh('skin', { image: checkerImage(256, 16) }),
  sphereMesh('eyeLeft', { center: [0.35, 0.2, 0.75], radius: 0.3, image: solidImage([235, 230, 225]) }),
  sphereMesh('eyeRight', { center: [-0.35, 0.2, 0.75], radius: 0.3, image: solidImage([235, 230, 225]) }),
];
const LAMP = { kind: 'point', colour: [0.6, 0.5, 0.9], position: [1.5, -0.5, 2] } as const;

async function golden(pixels: Uint8Array, name: string, maxDiffPixels: number): Promise<void> {
  const file = `packages/renderer-webgl/test/visual/golden/${name}.webgpu.png`;
  await commands.compareWithGolden(btoa(String.fromCharCode(...pixels)), SIZE, SIZE, file, { maxDiffPixels });
}

describe.skipIf(!device)('WebGPU, the mesh path', () => {
  async function createRenderer(options: Partial<WebGpuAvatarRendererOptions> = {}) {
    const renderer = await createWebGpuAvatarRenderer({ device, format: 'rgba8unorm', gloss: FACE_GLOSS, ...options });
    renderer.setMeshes(MESHES);
    renderer.setLighting(LIGHTING);
    renderer.setLights([LAMP]);
    return renderer;
  }

  it('toWebGpuClip keeps x, y, w and takes depth from 0 to 1', () => {
    const expected = mat4.perspectiveZO(mat4.create(), 0.6, 1, 1, 10);
    expect(clipFromCamera).toBeCloseToTensor(Float32Array.from(expected), 1e-6);
    expect(() => toWebGpuClip([1, 2])).toThrow(expect.objectContaining({ code: 'SHAPE' }));
  });

  it.each([
    ['from the front', CAMERA, 'none'],
    ['from the side, tone mapped', ASIDE, 'neutral'],
  ] as const)('draws the same picture as WebGL2 %s', async (_, camera, toneMapping) => {
    const gl = createContext(SIZE);
    const glTarget = createTarget(gl, SIZE, 'RGBA8', true);
    const glRenderer = createAvatarRenderer({ gl, gloss: FACE_GLOSS });
    glRenderer.setMeshes(MESHES);
    glRenderer.setLighting(LIGHTING);
    glRenderer.setLights([LAMP]);
    glRenderer.render({ ...camera, toneMapping, viewport: [0, 0, SIZE, SIZE], framebuffer: glTarget.framebuffer });

    const renderer = await createRenderer({ sampleCount: 4 });
    const target = createGpuTarget(device!, SIZE, { sampleCount: 4 });
    target.draw((pass) =>
      renderer.render(pass, { ...camera, toneMapping, clipFromCamera: toWebGpuClip(camera.clipFromCamera) }),
    );
    const pixels = await target.readBytes();
    const { meanColourDiff, iou, covered } = comparePictures(glTarget.readBytes(), pixels);
    console.info(`mesh: mean colour difference ${meanColourDiff.toFixed(3)}/255, IoU ${iou.toFixed(5)}`);
    expect(covered).toBeGreaterThan(5000);
    expect(meanColourDiff).toBeLessThan(1.5);
    expect(iou).toBeGreaterThan(0.995);
    if (toneMapping === 'none') await golden(pixels, 'mesh-toy', 40);
    renderer.dispose();
  });

  it('draws for several cameras in one submission, with depth against what is there', async () => {
    const renderer = await createRenderer();
    const other = await createRenderer();
    other.setMeshes([sphereMesh('near', { center: [0, 0, 1.5], radius: 0.2, image: solidImage([255, 0, 0]) })]);
    other.setLighting(new Float32Array(27).fill(1 / 0.282095, 0, 3));
    other.setLights([]);
    const away = mat4.lookAt(mat4.create(), [0, 0, -4], [0, 0, -8], [0, 1, 0]);
    const target = createGpuTarget(device!, SIZE);
    target.draw((pass) => {
      other.render(pass, GPU_CAMERA);
      renderer.render(pass, GPU_CAMERA);
      renderer.render(pass, { ...GPU_CAMERA, cameraFromWorld: away });
    });
    const pixels = await target.readBytes();
    const at = (x: number, y: number) => [...pixels.subarray(4 * (y * SIZE + x), 4 * (y * SIZE + x) + 4)];
    expect(at(SIZE / 2, SIZE / 2)).toEqual([255, 0, 0, 255]);
    // The last camera sees nothing, and takes nothing from the others.
    expect(at(SIZE / 2, 20)[3]).toBe(255);
  });

  it('moves a part, and leaves linear light to formats that encode it', async () => {
    const renderer = await createRenderer({ format: 'rgba8unorm-srgb' });
    renderer.setMeshes([sphereMesh('skin', { image: solidImage([100, 150, 200]) })]);
    renderer.setLighting(new Float32Array(27).fill(1 / 0.282095, 0, 3));
    renderer.setLights([]);
    const target = createGpuTarget(device!, SIZE, { format: 'rgba8unorm-srgb' });
    const middle = 4 * ((SIZE / 2) * SIZE + SIZE / 2);
    target.draw((pass) => renderer.render(pass, GPU_CAMERA));
    // Skin mirrors a few per cent besides.
    const shown = (await target.readBytes()).subarray(middle, middle + 3);
    expect(shown).toBeCloseToTensor([100, 150, 200], 8);
    const { positions, normals } = sphereMesh('skin', { center: [5, 0, 0] });
    renderer.updatePositions('skin', positions, normals);
    target.draw((pass) => renderer.render(pass, GPU_CAMERA));
    expect((await target.readBytes()).every((byte) => byte === 0)).toBe(true);
    expect(() => renderer.updatePositions('nose', positions, normals)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_PART' }),
    );
  });

  it('shows an image again after it was painted on', async () => {
    const renderer = await createRenderer();
    const image = checkerImage(64, 1);
    renderer.setMeshes([sphereMesh('skin', { image })]);
    const target = createGpuTarget(device!, SIZE);
    const middle = 4 * ((SIZE / 2) * SIZE + SIZE / 2);
    // A square in the middle of the front, half round from behind.
    for (let y = 24; y < 40; y++) for (let x = 24; x < 40; x++) image.data.set([0, 255, 0, 255], 4 * (64 * y + x));
    renderer.updateImage(image, [24, 24, 16, 16]);
    target.draw((pass) => renderer.render(pass, GPU_CAMERA));
    const [red, green] = (await target.readBytes()).subarray(middle);
    expect(green).toBeGreaterThan(2 * red);
    expect(() => renderer.updateImage(checkerImage(64, 1))).toThrow(expect.objectContaining({ code: 'UNKNOWN_PART' }));
  });

  it('frees what it took', async () => {
    const own = (await requestDevice())!;
    const alive = countAlive(own);
    const renderer = await createRenderer({ device: own });
    expect(alive.buffers).toBeGreaterThan(10);
    // Two images, the one in place of absent ones, and the one in place of absent normal maps.
    expect(alive.textures).toBe(4);
    const before = { ...alive };
    renderer.setMeshes(MESHES);
    expect(alive).toEqual(before);
    renderer.dispose();
    expect(alive).toEqual({ buffers: 0, textures: 0 });
    expect(() => renderer.setLighting(LIGHTING)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    own.destroy();
  });
});

describe('WebGPU, errors', () => {
  it('say that there is no WebGPU', async () => {
    for (const wrong of [null, undefined, {} as GPUDevice])
      await expect(createWebGpuAvatarRenderer({ device: wrong, format: 'rgba8unorm' })).rejects.toMatchObject({
        code: 'NO_WEBGPU',
      });
  });

  it.skipIf(!device)('say that the device is lost', async () => {
    const own = (await requestDevice())!;
    const onLost = vi.fn();
    const renderer = await createWebGpuAvatarRenderer({ device: own, format: 'rgba8unorm', onLost });
    own.destroy();
    await own.lost;
    expect(onLost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'DEVICE_LOST' }));
    expect(() => renderer.setMeshes(MESHES)).toThrow(expect.objectContaining({ code: 'DEVICE_LOST' }));
    await expect(createWebGpuAvatarRenderer({ device: own, format: 'rgba8unorm' })).rejects.toMatchObject({
      code: 'DEVICE_LOST',
    });
    renderer.dispose();
  });

  it.skipIf(!device)('show where a shader is wrong, and refuse formats that cannot be drawn into', async () => {
    const failed = createShaderModule(device!, 'probe', '// first\nfn f() -> f32 {\n  return missing;\n}');
    await expect(failed).rejects.toMatchObject({ code: 'SHADER' });
    await expect(failed).rejects.toThrow(
      /probe does not compile.*missing[\s\S]*3 \| {3}return missing;\n {2}\| {10}\^/,
    );
    const odd = createWebGpuAvatarRenderer({ device, format: 'rgba8sint' });
    await expect(odd).rejects.toMatchObject({ code: 'SHADER' });
  });
});
