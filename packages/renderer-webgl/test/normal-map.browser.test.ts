/// <reference types="@webgpu/types" />
import { expect, it } from 'vitest';
import { computeSurfaceLight, createAvatarRenderer, createSurfaceLight, perturbNormal } from '../src/index.js';
import { MATTE } from '../src/specular.js';
import { createWebGpuAvatarRenderer, toWebGpuClip } from '../src/webgpu/index.js';
import { dentedMap, solidImage, sphereMesh } from './support/meshes.js';
import { CAMERA, createContext, createTarget, LIGHTING } from './support/scene.js';
import { comparePictures, createGpuTarget, requestDevice } from './support/webgpu.js';

const SIZE = 128;
const device = await requestDevice();

function draw(normalMap: ReturnType<typeof dentedMap> | undefined, format: 'RGBA32F' | 'RGBA8', normalScale?: number) {
  const gl = createContext(SIZE);
  const target = createTarget(gl, SIZE, format);
  const renderer = createAvatarRenderer({ gl, normalScale });
  renderer.setMeshes([{ ...sphereMesh('skin', { rows: 64 }), normalMap }]);
  renderer.setLighting(LIGHTING);
  renderer.render({
    ...CAMERA,
    viewport: [0, 0, SIZE, SIZE],
    framebuffer: target.framebuffer,
    outputColourSpace: format === 'RGBA32F' ? 'srgb-linear' : 'srgb',
  });
  expect(gl.getError()).toBe(0);
  renderer.dispose();
  return target;
}

it('the mesh path leans normals as the twin does', () => {
  // Leaning along u, which runs to the right in front, and up the picture.
  const lean = solidImage([200, 180, 220]);
  const pixels = draw(lean, 'RGBA32F').read();
  const relief = [200, 180, 220].map((c) => (2 * c) / 255 - 1) as [number, number, number];
  const light = createSurfaceLight(LIGHTING);
  const [columnAngle, rowAngle] = [0.02, 0.02];
  for (const [x, y] of [
    [64, 64],
    [80, 60],
    [50, 90],
  ]) {
    // The place that a pixel of the sphere shows, and its neighbours along u and v.
    const ray = [((x + 0.5) / SIZE) * 2 - 1, 1 - ((y + 0.5) / SIZE) * 2].map((c) => c * Math.tan(0.3));
    const square = 1 + ray[0] ** 2 + ray[1] ** 2;
    const t = (4 - Math.sqrt(16 - 15 * square)) / square;
    const place = [t * ray[0], t * ray[1], 4 - t] as const;
    const [polar, around] = [Math.acos(place[1]), Math.atan2(place[0], place[2])];
    const at = (p: number, a: number) => [Math.sin(p) * Math.sin(a), Math.cos(p), Math.sin(p) * Math.cos(a)] as const;
    const to = (other: readonly number[]) => other.map((c, k) => c - place[k]) as [number, number, number];
    const n = perturbNormal(
      place,
      relief,
      to(at(polar, around + columnAngle)),
      to(at(polar - rowAngle, around)),
      [columnAngle / (2 * Math.PI), 0],
      [0, -rowAngle / Math.PI],
    );
    const expected = computeSurfaceLight(light, [1, 1, 1], MATTE, place, n, [0, 0, 1]);
    const found = pixels.subarray(4 * (SIZE * y + x), 4 * (SIZE * y + x) + 3);
    expect(found).toBeCloseToTensor(expected, 0.03);
    const smooth = computeSurfaceLight(light, [1, 1, 1], MATTE, place, place, [0, 0, 1]);
    expect(Math.hypot(...smooth.map((c, k) => c - expected[k]))).toBeGreaterThan(0.1);
  }
});

it.skipIf(!device)('the mesh path looks alike with WebGPU', async () => {
  const normalMap = dentedMap(64, 8);
  const wanted = draw(normalMap, 'RGBA8', 0.8).readBytes();
  const smooth = draw(undefined, 'RGBA8').readBytes();
  const renderer = await createWebGpuAvatarRenderer({ device, format: 'rgba8unorm', normalScale: 0.8 });
  renderer.setMeshes([{ ...sphereMesh('skin', { rows: 64 }), normalMap }]);
  renderer.setLighting(LIGHTING);
  const target = createGpuTarget(device!, SIZE);
  target.draw((pass) => renderer.render(pass, { ...CAMERA, clipFromCamera: toWebGpuClip(CAMERA.clipFromCamera) }));
  const { meanColourDiff, covered } = comparePictures(wanted, await target.readBytes());
  expect(covered).toBeGreaterThan(3500);
  expect(meanColourDiff).toBeLessThan(1);
  expect(comparePictures(wanted, smooth).meanColourDiff).toBeGreaterThan(4);
  renderer.dispose();
});
