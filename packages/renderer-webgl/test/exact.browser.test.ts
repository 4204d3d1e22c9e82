/// <reference types="@webgpu/types" />
import type { SdfModel } from '@implicit-faces/sdf-core';
import type { UvModel } from '@implicit-faces/uv-param';
import { expect, it, vi } from 'vitest';
import { encodeSrgb } from '../src/colour.js';
import {
  castRay,
  computeSurfaceLight,
  createSurfaceLight,
  type ExactRenderOptions,
  FACE_GLOSS,
  renderExact,
  type Vec3,
} from '../src/index.js';
import { renderWebGpuExact, toWebGpuClip } from '../src/webgpu/index.js';
import { checkerImage, dentedMap, solidImage } from './support/meshes.js';
import { CAMERA, createContext, createTarget, LIGHTING } from './support/scene.js';
import { comparePictures, countAlive, createGpuTarget, requestDevice } from './support/webgpu.js';

const SIZE = 96;
const device = await requestDevice();
const EYE: Vec3 = [0.35, 0.2, 0.75];
const BALL = { radius: 0.9, eye: 0.3 };

/** A ball for skin and one for an eye, in place of networks. */
const model = (() => {
  const distances = (points: Float32Array, i: number) => {
    const p = points.subarray(3 * i, 3 * i + 3);
    return [Math.hypot(...p) - BALL.radius, Math.hypot(p[0] - EYE[0], p[1] - EYE[1], p[2] - EYE[2]) - BALL.eye];
  };
  const each = <T>(points: Float32Array, f: (i: number) => T) =>
    Array.from({ length: points.length / 3 }, (_, i) => f(i));
  const chartAt = (points: Float32Array, i: number) => {
    const [skin, eye] = distances(points, i);
    return eye < skin ? 1 : 0;
  };
  const sdf = {
    manifest: { bounds: { min: [-1.1, -1.1, -1.1], max: [1.1, 1.1, 1.1] } },
    evaluate: async (points: Float32Array) => Float32Array.from(each(points, (i) => Math.min(...distances(points, i)))),
    normals: async (points: Float32Array) =>
      Float32Array.from(
        each(points, (i) => {
          const centre = chartAt(points, i) ? EYE : [0, 0, 0];
          const d = [0, 1, 2].map((k) => points[3 * i + k] - centre[k]);
          return d.map((x) => x / Math.hypot(...d));
        }).flat(),
      ),
  };
  const uv = {
    uvFromSurface: async (points: Float32Array) => ({
      uv: Float32Array.from(each(points, (i) => [0.5 + 0.4 * points[3 * i], 0.5 - 0.4 * points[3 * i + 1]]).flat()),
      chart: Uint8Array.from(each(points, (i) => chartAt(points, i))),
    }),
  };
  return { sdf: sdf as unknown as SdfModel, uv: uv as unknown as UvModel };
})();

const OPTIONS = {
  cameraFromWorld: CAMERA.cameraFromWorld,
  codes: { geometry: new Float32Array(), expression: new Float32Array() },
  tileSize: 40,
  lighting: LIGHTING,
  lights: [{ kind: 'point', colour: [0.6, 0.5, 0.9], position: [1.5, -0.5, 2] }] as const,
  albedo: checkerImage(256, 16),
  partAlbedos: { eyeLeft: solidImage([235, 230, 225]) },
  gloss: FACE_GLOSS,
};

async function drawWebGl(options: Partial<ExactRenderOptions> = {}): Promise<Uint8Array> {
  const gl = createContext(SIZE);
  const target = createTarget(gl, SIZE, 'RGBA8');
  const { clipFromCamera } = CAMERA;
  const { framebuffer } = target;
  await renderExact(gl, model, { ...OPTIONS, ...options, clipFromCamera, viewport: [0, 0, SIZE, SIZE], framebuffer });
  return target.readBytes();
}

const targetOptions = (on: GPUDevice, target: ReturnType<typeof createGpuTarget>) => ({
  ...OPTIONS,
  device: on,
  format: 'rgba8unorm' as const,
  colour: target.colourView(),
  depth: target.depthView(),
  clipFromCamera: toWebGpuClip(CAMERA.clipFromCamera),
  viewport: [0, 0, SIZE, SIZE] as const,
});

/** Where the middle of a pixel looks, and what computeSurfaceLight says of it, 8-bit sRGB. */
function twinAt(x: number, y: number): number[] {
  const { origin, direction } = castRay(CAMERA, (2 * (x + 0.5)) / SIZE - 1, 1 - (2 * (y + 0.5)) / SIZE);
  const meet = (centre: readonly number[], radius: number) => {
    const o = origin.map((c, k) => c - centre[k]);
    const along = -o.reduce((sum, c, k) => sum + c * direction[k], 0);
    return along - Math.sqrt(along * along - o.reduce((sum, c) => sum + c * c, 0) + radius * radius);
  };
  const t = meet(EYE, BALL.eye);
  const p = origin.map((c, k) => c + t * direction[k]) as unknown as Vec3;
  const n = p.map((c, k) => (c - EYE[k]) / BALL.eye) as unknown as Vec3;
  const albedo = [235, 230, 225].map((c) => ((c / 255 + 0.055) / 1.055) ** 2.4) as unknown as Vec3;
  const light = createSurfaceLight(OPTIONS.lighting, OPTIONS.lights);
  const toEye = direction.map((c) => -c) as unknown as Vec3;
  return computeSurfaceLight(light, albedo, FACE_GLOSS.eyeLeft, p, n, toEye).map((c) => 255 * encodeSrgb(c));
}

/** On the eye, away from its brightest spot. */
const PLACES = [
  [61, 42],
  [66, 46],
  [64, 37],
] as const;

it('the exact path draws with WebGL2 what its twin says, tile by tile', async () => {
  const pixels = await drawWebGl();
  for (const [x, y] of PLACES)
    expect([...pixels.subarray(4 * (y * SIZE + x), 4 * (y * SIZE + x) + 3)]).toBeCloseToTensor(twinAt(x, y), 1.5);
  const parts = await drawWebGl({ showParts: true });
  const at = 4 * (PLACES[0][1] * SIZE + PLACES[0][0]);
  expect([...parts.subarray(at, at + 4)]).toEqual([0, 1, 255, 255]);
});

it.skipIf(!device)('the exact path draws with WebGPU what it draws with WebGL2 and what its twin says', async () => {
  const target = createGpuTarget(device!, SIZE);
  target.draw(() => {});
  const onProgress = vi.fn();
  await renderWebGpuExact(model, { ...targetOptions(device!, target), onProgress });
  // 96 pixels are two tiles of 40 and the rest of a third.
  expect(onProgress).toHaveBeenCalledTimes(9);
  expect(onProgress).toHaveBeenLastCalledWith(1);
  const pixels = await target.readBytes();
  const { meanColourDiff, iou, covered } = comparePictures(await drawWebGl(), pixels);
  console.info(`exact: mean colour difference ${meanColourDiff.toFixed(3)}/255, IoU ${iou.toFixed(5)}`);
  expect(covered).toBeGreaterThan(2500);
  expect(iou).toBe(1);
  expect(meanColourDiff).toBeLessThan(0.5);
  for (const [x, y] of PLACES)
    expect([...pixels.subarray(4 * (y * SIZE + x), 4 * (y * SIZE + x) + 3)]).toBeCloseToTensor(twinAt(x, y), 1.5);
});

it.skipIf(!device)('the exact path draws a normal map alike with WebGL2 and WebGPU, on skin only', async () => {
  const relief = { normalMap: dentedMap(64, 8), normalScale: 0.8 };
  const wanted = await drawWebGl(relief);
  const target = createGpuTarget(device!, SIZE);
  target.draw(() => {});
  await renderWebGpuExact(model, { ...targetOptions(device!, target), ...relief });
  const pixels = await target.readBytes();
  const smooth = await drawWebGl();
  expect(comparePictures(wanted, pixels).meanColourDiff).toBeLessThan(0.6);
  expect(comparePictures(pixels, smooth).meanColourDiff).toBeGreaterThan(3);
  for (const [x, y] of PLACES)
    expect([...pixels.subarray(4 * (y * SIZE + x), 4 * (y * SIZE + x) + 3)]).toBeCloseToTensor(twinAt(x, y), 1.5);
});

it.skipIf(!device)(
  'with WebGPU, it keeps to its viewport and to depth, shows parts, and frees what it took',
  async () => {
    const own = (await requestDevice())!;
    const target = createGpuTarget(own, 2 * SIZE);
    target.draw(() => {});
    const alive = countAlive(own);
    const corner = { ...targetOptions(own, target), viewport: [SIZE, SIZE / 2, SIZE, SIZE] as const, showParts: true };
    await renderWebGpuExact(model, corner);
    expect(alive).toEqual({ buffers: 0, textures: 0 });
    // A second, farther away, changes nothing.
    const back = CAMERA.cameraFromWorld.slice();
    back[14] -= 2;
    await renderWebGpuExact(model, { ...corner, cameraFromWorld: back, showParts: false });
    const pixels = await target.readBytes();
    const parts = await drawWebGl({ showParts: true });
    const cut = new Uint8Array(parts.length);
    for (let y = 0; y < SIZE; y++) {
      const from = 4 * (2 * SIZE * (y + SIZE / 2) + SIZE);
      cut.set(pixels.subarray(from, from + 4 * SIZE), 4 * SIZE * y);
    }
    expect(cut).toEqual(parts);
    const drawn = (bytes: Uint8Array) => bytes.filter((value, i) => i % 4 === 3 && value > 0).length;
    expect(drawn(pixels)).toBe(drawn(parts));
    own.destroy();
  },
);

it.skipIf(!device)(
  'with WebGPU, it stops on an abort, a lost device, and a format that can not be drawn into',
  async () => {
    const own = (await requestDevice())!;
    const target = createGpuTarget(own, SIZE);
    const options = targetOptions(own, target);
    const aborted = new AbortController();
    const signal = aborted.signal;
    const stopped = renderWebGpuExact(model, {
      ...options,
      signal,
      onProgress: () => aborted.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    await expect(renderWebGpuExact(model, { ...options, format: 'rgba8sint' })).rejects.toMatchObject({
      code: 'SHADER',
    });
    await expect(renderWebGpuExact(model, { ...options, device: undefined })).rejects.toMatchObject({
      code: 'NO_WEBGPU',
    });
    const lost = renderWebGpuExact(model, { ...options, onProgress: () => own.destroy() });
    await expect(lost).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  },
);
