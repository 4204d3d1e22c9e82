/// <reference types="@webgpu/types" />
import {
  AmbientLight,
  BoxGeometry,
  DirectionalLight,
  type Intersection,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  PointLight,
  Raycaster,
  Scene,
  Vector2,
  Vector3,
  WebGLRenderer,
} from 'three';
import { pass, vec3, vec4 } from 'three/tsl';
import { RenderPipeline, WebGPURenderer } from 'three/webgpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FACE_GLOSS } from '../src/index.js';
import { type AvatarHit, AvatarVolume } from '../src/three/index.js';
import { checkerImage } from './support/meshes.js';
import { drawWebGl, drawWebGpu } from './support/three.js';
import { createToyBake, TOY_ALBEDOS, toyOffset } from './support/toy-bake.js';
import { comparePictures, countAlive, requestDevice } from './support/webgpu.js';

const SIZE = 128;
const device = await requestDevice();

const box = (size: number, color: number, x: number, y: number, z: number) => {
  const mesh = new Mesh(new BoxGeometry(size, size, size), new MeshBasicMaterial({ color }));
  mesh.position.set(x, y, z);
  return mesh;
};

describe.skipIf(!device)("AvatarVolume in three.js' WebGPURenderer", () => {
  let toy: Awaited<ReturnType<typeof createToyBake>>;
  let webgl: WebGLRenderer;
  let gpu: WebGPURenderer;
  beforeAll(async () => {
    toy = await createToyBake();
    webgl = new WebGLRenderer();
    gpu = new WebGPURenderer();
    await gpu.init();
  }, 60_000);
  afterAll(() => {
    webgl.dispose();
    gpu.dispose();
  });

  /** The toy, turned and shifted, between boxes: one before it, one halfway in it, one behind. */
  function createScene() {
    const face = new AvatarVolume({
      fixed: toy.fixed,
      gloss: FACE_GLOSS,
      albedo: checkerImage(256, 16),
      partAlbedos: TOY_ALBEDOS,
    });
    face.setBake(toy.bake);
    face.position.set(0.01, -0.01, 0.02);
    face.rotation.y = -0.3;
    const scene = new Scene();
    const sun = new DirectionalLight(0xfff0dd, 1.5);
    sun.position.set(0.5, 0.4, 0.5);
    const lamp = new PointLight(0x99aaff, 0.1);
    lamp.position.set(-0.3, -0.1, 0.3);
    scene.add(face, sun, lamp, new AmbientLight(0xffffff, 0.8));
    scene.add(box(0.03, 0x3366ff, -0.04, -0.05, 0.16), box(0.06, 0x22cc44, 0.08, 0.03, 0.03));
    scene.add(box(0.2, 0xff00ff, -0.1, 0.1, -0.2));
    const camera = new PerspectiveCamera(25, 1, 0.05, 10);
    camera.position.set(0.1, 0.05, 0.6);
    camera.lookAt(new Vector3());
    return { scene, camera, face };
  }

  const references = new Map<number, Uint8Array>();
  function reference(samples = 0): Uint8Array {
    let pixels = references.get(samples);
    if (!pixels) {
      const { scene, camera, face } = createScene();
      pixels = drawWebGl(webgl, scene, camera, SIZE, { samples });
      references.set(samples, pixels);
      face.dispose();
    }
    return pixels;
  }

  function expectAlike(name: string, a: Uint8Array, b: Uint8Array): void {
    const { meanColourDiff, iou, covered } = comparePictures(a, b);
    console.info(
      `AvatarVolume, ${name}: mean colour difference ${meanColourDiff.toFixed(3)}/255, IoU ${iou.toFixed(5)}`,
    );
    expect(covered).toBeGreaterThan(5000);
    expect(meanColourDiff).toBeLessThan(1);
    expect(iou).toBeGreaterThan(0.995);
  }

  it.each([
    ['as it comes', {}],
    ['with a reversed depth buffer', { reversedDepthBuffer: true }],
    ['with a logarithmic depth buffer', { logarithmicDepthBuffer: true }],
    ['fallen back to WebGL2', { forceWebGL: true }],
  ])('draws what WebGLRenderer draws, in the midst of a scene, %s', async (name, parameters) => {
    const renderer = new WebGPURenderer(parameters);
    const { scene, camera, face } = createScene();
    await face.prepare(renderer);
    expect('isWebGPUBackend' in renderer.backend).toBe(!('forceWebGL' in parameters));
    expectAlike(name, reference(), await drawWebGpu(renderer, scene, camera, SIZE));
    face.dispose();
    renderer.dispose();
  });

  it('draws with several samples a pixel, and into a viewport', async () => {
    const { scene, camera, face } = createScene();
    await face.prepare(gpu);
    expectAlike('4 samples', reference(4), await drawWebGpu(gpu, scene, camera, SIZE, { samples: 4 }));
    const corner = [SIZE / 2, SIZE / 4, SIZE, SIZE] as const;
    const larger = await drawWebGpu(gpu, scene, camera, 2 * SIZE, { viewport: corner });
    const cut = new Uint8Array(4 * SIZE * SIZE);
    for (let y = 0; y < SIZE; y++) {
      const from = 4 * (2 * SIZE * (y + corner[1]) + corner[0]);
      cut.set(larger.subarray(from, from + 4 * SIZE), 4 * SIZE * y);
    }
    expectAlike('in a viewport', reference(), cut);
    face.dispose();
  });

  it('goes through post-processing, colour and depth', async () => {
    const { scene, camera, face } = createScene();
    await face.prepare(gpu);
    const before = await drawWebGpu(gpu, scene, camera, SIZE);
    const scenePass = pass(scene, camera);
    const depth = scenePass.getTextureNode('depth').x;
    // Inverted, and black beyond 0.68 m, where the far box is and nothing else.
    const near = depth.lessThan((10 / 9.95) * (1 - 0.05 / 0.68));
    const pipeline = new RenderPipeline(gpu, vec4(near.select(scenePass.rgb.oneMinus(), vec3(0)), 1));
    pipeline.outputColorTransform = false;
    const after = await drawWebGpu(gpu, scene, camera, SIZE, {
      render: () => {
        gpu.setSize(SIZE, SIZE, false);
        pipeline.render();
      },
    });
    const differing = Array.from({ length: SIZE * SIZE }, (_, i) => 4 * i).filter((i) => {
      const [r, g, b, a] = before.subarray(i, i + 4);
      const isFar = a === 0 || (r > 250 && g < 5 && b > 250);
      return [r, g, b].some((c, k) => Math.abs(after[i + k] - (isFar ? 0 : 255 - c)) > 2);
    });
    expect(differing).toHaveLength(0);
    face.dispose();
    pipeline.dispose();
  });

  it('is picked where it is drawn: part, place and UV', async () => {
    const { scene, camera, face } = createScene();
    const raycaster = new Raycaster();
    const at = (x: number, y: number, z: number) => {
      const place = face.localToWorld(new Vector3(x, y, z)).project(camera);
      raycaster.setFromCamera(new Vector2(place.x, place.y), camera);
      return raycaster.intersectObjects(scene.children).find(({ object }) => object === face) as
        | (Intersection & AvatarHit)
        | undefined;
    };
    face.scale.setScalar(0.8);
    face.updateMatrixWorld();
    camera.updateMatrixWorld();
    const skin = at(0.02, -0.02, 0.09)!;
    expect(skin.part).toBe('skin');
    const local = face.worldToLocal(skin.point.clone());
    const canonical = toyOffset(0, local.x, local.y).map((d, k) => d + local.getComponent(k));
    expect(Math.abs(Math.hypot(...canonical) - 0.09)).toBeLessThan(3e-4);
    expect(skin.uv!.x).toBeCloseTo(0.5 + 4 * canonical[0], 2);
    expect(skin.uv!.y).toBeCloseTo(0.5 - 4 * canonical[1], 2);
    expect(skin.distance).toBeCloseTo(skin.point.distanceTo(camera.position), 6);
    expect(at(0.026, 0.035, 0.09)?.part).toMatch(/^eye/);
    expect(at(0.12, 0.12, 0)).toBeUndefined();
    // Nearer than the box before it, which is no part of the volume.
    raycaster.far = 0.3;
    expect(face.pick(raycaster)).toBeUndefined();
    face.dispose();
  });

  it('frees what it took, in three.js and on the device', async () => {
    const own = (await requestDevice())!;
    const alive = countAlive(own);
    const renderer = new WebGPURenderer({ device: own });
    await renderer.init();
    const { scene, camera, face } = createScene();
    face.removeFromParent();
    await drawWebGpu(renderer, scene, camera, SIZE);
    const before = { three: { ...renderer.info.memory }, device: alive.textures };
    scene.add(face);
    await face.prepare(renderer);
    await drawWebGpu(renderer, scene, camera, SIZE);
    expect(alive.textures).toBe(before.device + 10);
    face.dispose();
    expect(scene.children).not.toContain(face);
    expect(alive.textures).toBe(before.device);
    expect(renderer.info.memory.renderTargets).toBe(before.three.renderTargets);
    expect(renderer.info.memory.textures).toBe(before.three.textures);
    expect(renderer.info.memory.geometries).toBe(before.three.geometries);
    renderer.dispose();
    own.destroy();
  });

  it('survives a lost device: another renderer draws it', async () => {
    const own = (await requestDevice())!;
    const renderer = new WebGPURenderer({ device: own });
    renderer.onDeviceLost = () => {};
    const { scene, camera, face } = createScene();
    await face.prepare(renderer);
    await drawWebGpu(renderer, scene, camera, SIZE);
    own.destroy();
    await own.lost;
    face.setBake(toy.bake);
    face.setAlbedo(checkerImage(256, 16));
    await face.prepare(gpu);
    expectAlike('after a loss', reference(), await drawWebGpu(gpu, scene, camera, SIZE));
    face.dispose();
  });

  it('shows nothing until it is ready, and says why when it never will be', async () => {
    const { scene, camera, face } = createScene();
    const own = (await requestDevice())!;
    const renderer = new WebGPURenderer({ device: own });
    await renderer.init();
    const build = own.createRenderPipelineAsync.bind(own);
    own.createRenderPipelineAsync = async (descriptor) => {
      if (descriptor.label !== 'baked') return build(descriptor);
      throw new Error('no such thing');
    };
    const early = await drawWebGpu(renderer, scene, camera, SIZE);
    // The middle shows what is behind it, which is nothing.
    expect(early[4 * ((SIZE / 2) * SIZE + SIZE / 2) + 3]).toBe(0);
    await expect(face.prepare(renderer)).rejects.toMatchObject({ code: 'SHADER' });
    await expect(drawWebGpu(renderer, scene, camera, SIZE)).rejects.toMatchObject({ code: 'SHADER' });
    face.dispose();
    own.destroy();
  });
});
