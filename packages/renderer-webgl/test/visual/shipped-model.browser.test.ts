import { partImage } from '@implicit-faces/avatar';
import { parseManifest, urlFiles } from '@implicit-faces/runtime';
import { createExpression, loadSdfLayers, loadSdfModel } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { ortForBrowserTests } from '@implicit-faces/test-utils/ort-web';
import { bakeAlbedo, encodeSrgb, loadUvModel } from '@implicit-faces/uv-param';
import { mat4 } from 'gl-matrix';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from 'vitest/browser';
import { createBakedRenderer, createBaker, FACE_GLOSS, renderExact } from '../../src/index.js';
import { createContext, createTarget } from '../support/scene.js';
import { comparePictures } from '../support/webgpu.js';

const SIZE = 128;
/** The exact path asks the networks at every step of every ray. */
const EXACT_SIZE = 64;
const ALBEDO_SIZE = 256;
/** Coarser than what renderers have, so that this takes seconds: what goes wrong in shaders and bakes shows all the same. */
const BAKE = { spacing: 3e-3, band: 4.5e-3, refineAbove: 5e-4, coarseStep: 6e-3, eyeStep: 1.5e-3, mouthStep: 2.25e-3 };
/** Ambient, from above, from the front, from the subject's left. */
const LIGHTING = Float32Array.from({ length: 27 }, (_, i) => [2.6, 0.7, 0.9, 0.5][Math.floor(i / 3)] ?? 0);

/** Turned about the vertical axis; half is the subject's left profile. */
function view(yaw: number, size: number) {
  const target = [0, -0.02, 0] as const;
  const eye = [0.7 * Math.sin(yaw), target[1], 0.7 * Math.cos(yaw)] as const;
  return {
    clipFromCamera: Float32Array.from(mat4.perspective(mat4.create(), 0.5, 1, 0.05, 10)),
    cameraFromWorld: Float32Array.from(mat4.lookAt(mat4.create(), [...eye], [...target], [0, 1, 0])),
    viewport: [0, 0, size, size] as const,
  };
}

/** The chin from nearby, as large as a phone shows a face: each pixel of it is skin or mouth. */
function chinView(size: number) {
  const [target, eye] = [
    [0, -0.055, 0.06],
    [0.075, -0.055, 0.555],
  ] as const;
  return {
    clipFromCamera: Float32Array.from(mat4.perspective(mat4.create(), 0.16, 1, 0.05, 10)),
    cameraFromWorld: Float32Array.from(mat4.lookAt(mat4.create(), [...eye], [...target], [0, 1, 0])),
    viewport: [0, 0, size, size] as const,
  };
}

/** Somebody with seeded codes, baked by the shipped networks. */
async function loadSomebody() {
  const ort = ortForBrowserTests();
  const files = urlFiles(new URL('/packages/face-model/', location.origin));
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
  const loading = { ort, files, manifest };
  const [layers, uv, sdf] = [await loadSdfLayers(loading), await loadUvModel(loading), await loadSdfModel(loading)];
  const random = createRandom(5);
  const geometry = Float32Array.from({ length: manifest.codes.geometry }, () => 0.8 * random.normal());
  const textureCode = Float32Array.from({ length: manifest.codes.texture }, () => 0.5 * random.normal());
  const { data } = await bakeAlbedo(uv, textureCode, new Float32Array(manifest.codes.expression), ALBEDO_SIZE);
  const baker = await createBaker({ manifest, layers, uv }, BAKE);
  await baker.setIdentity(geometry);
  return {
    model: { sdf, uv },
    baker,
    geometry,
    expression: (weights: Record<string, number>) => createExpression(manifest, weights),
    albedo: { data: encodeSrgb(data), width: ALBEDO_SIZE, height: ALBEDO_SIZE },
    partAlbedos: Object.fromEntries(uv.topology.parts.map((part) => [part.name, partImage(part)])),
    dispose: () => Promise.all([layers.dispose(), uv.dispose(), sdf.dispose()]),
  };
}

describe('the shipped model', () => {
  let somebody: Awaited<ReturnType<typeof loadSomebody>>;
  beforeAll(async () => {
    somebody = await loadSomebody();
  }, 120_000);
  afterAll(() => somebody?.dispose());

  async function drawBaked(weights: Record<string, number>, camera: ReturnType<typeof view>): Promise<Uint8Array> {
    const size = camera.viewport[2];
    const { baker, albedo, partAlbedos, expression } = somebody;
    const gl = createContext(size);
    const target = createTarget(gl, size, 'RGBA8');
    const renderer = createBakedRenderer({ gl, fixed: baker.fixed, gloss: FACE_GLOSS });
    renderer.setAlbedo(albedo);
    renderer.setPartAlbedos(partAlbedos);
    renderer.setLighting(LIGHTING);
    renderer.setBake(await baker.bake(expression(weights)));
    renderer.render({ ...camera, framebuffer: target.framebuffer });
    const pixels = target.readBytes();
    renderer.dispose();
    return pixels;
  }

  async function golden(pixels: Uint8Array, size: number, name: string): Promise<void> {
    const file = `packages/renderer-webgl/test/visual/golden/${name}.webgl.png`;
    await commands.compareWithGolden(btoa(String.fromCharCode(...pixels)), size, size, file, { maxDiffPixels: 40 });
  }

  it.each([
    ['smile', { mouthSmile_L: 0.8, mouthSmile_R: 0.8 }, 0],
    ['blink', { eyeBlink_L: 1, eyeBlink_R: 1 }, 0],
    ['open-jaw', { jawOpen: 0.8 }, 0.3],
    ['profile', {}, Math.PI / 2],
  ] as const)('bakes and draws: %s', async (name, weights, yaw) => {
    await golden(await drawBaked({ ...weights }, view(yaw, SIZE)), SIZE, `baked-${name}`);
  });

  // Rays along an outline pass many places near the surface. Those that ran out of steps left a line of background.
  it("shows no background along the jaw's outline", async () => {
    const pixels = await drawBaked({ mouthSmile_L: 0.6, mouthSmile_R: 0.6 }, chinView(512));
    const open = pixels.filter((value, i) => i % 4 === 3 && value === 0).length;
    // 110 with steps of 0.3 mm there; a pixel may lie just so.
    expect(open).toBeLessThan(5);
  });

  it('is drawn exactly, and nearly the same baked', async () => {
    const { model, geometry, expression, albedo, partAlbedos } = somebody;
    const gl = createContext(EXACT_SIZE);
    const target = createTarget(gl, EXACT_SIZE, 'RGBA8');
    const weights = { jawOpen: 0.4 };
    await renderExact(gl, model, {
      ...view(0.3, EXACT_SIZE),
      codes: { geometry, expression: expression(weights) },
      tileSize: EXACT_SIZE,
      lighting: LIGHTING,
      albedo,
      partAlbedos,
      gloss: FACE_GLOSS,
      framebuffer: target.framebuffer,
    });
    const exact = target.readBytes();
    await golden(exact, EXACT_SIZE, 'exact');
    const { iou, meanColourDiff } = comparePictures(exact, await drawBaked(weights, view(0.3, EXACT_SIZE)));
    console.info(`baked against exact: mean colour difference ${meanColourDiff.toFixed(2)}/255, IoU ${iou.toFixed(4)}`);
    expect(iou).toBeGreaterThan(0.99);
    expect(meanColourDiff).toBeLessThan(2);
  });
});
