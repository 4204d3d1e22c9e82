import {
  AmbientLight,
  BoxGeometry,
  DirectionalLight,
  Mesh,
  MeshBasicMaterial,
  PCFShadowMap,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from 'three';
import { WebGPURenderer } from 'three/webgpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AvatarMesh } from '../src/three/index.js';
import { checkerImage, solidImage, sphereMesh } from './support/meshes.js';
import { drawWebGl, drawWebGpu } from './support/three.js';
import { comparePictures, requestDevice } from './support/webgpu.js';

const device = await requestDevice();
const SIZE = 128;

/** A ball for skin that a weight makes wider, and an eye that throws a shadow on it. */
function createFace(): AvatarMesh {
  const skin = sphereMesh('skin', { radius: 0.08, image: checkerImage(256, 16) });
  const eye = sphereMesh('eyeLeft', { center: [0.03, 0.02, 0.075], radius: 0.025, image: solidImage([235, 230, 225]) });
  const wider = {
    positions: skin.positions.map((x, i) => (i % 3 === 0 ? 0.4 * x : 0)),
    normals: skin.normals.map((x, i) => (i % 3 === 0 ? -0.4 * x : 0)),
  };
  return new AvatarMesh({
    names: ['jawOpen', 'eyeBlinkLeft'],
    weights: Float32Array.of(0, 0),
    meshes: [
      { ...skin, targets: [wider, undefined] },
      { ...eye, targets: [undefined, undefined] },
    ],
  } as ConstructorParameters<typeof AvatarMesh>[0]);
}

function createScene(face: AvatarMesh): { scene: Scene; camera: PerspectiveCamera } {
  const scene = new Scene();
  const sun = new DirectionalLight(0xfff0dd, 2.5);
  sun.position.set(0.5, 0.4, 0.5);
  sun.castShadow = true;
  sun.shadow.mapSize.set(512, 512);
  for (const side of ['left', 'bottom'] as const) sun.shadow.camera[side] = -0.2;
  for (const side of ['right', 'top'] as const) sun.shadow.camera[side] = 0.2;
  sun.shadow.camera.far = 2;
  sun.shadow.normalBias = 2e-3;
  const box = new Mesh(new BoxGeometry(0.06, 0.06, 0.06), new MeshBasicMaterial({ color: 0x3366ff }));
  box.position.set(-0.06, -0.06, 0.05);
  scene.add(face, sun, box, new AmbientLight(0xffffff, 0.8));
  const camera = new PerspectiveCamera(25, 1, 0.05, 10);
  camera.position.set(0.1, 0.05, 0.6);
  camera.lookAt(new Vector3());
  return { scene, camera };
}

describe.skipIf(!device)("three.js' WebGPURenderer", () => {
  let gpu: WebGPURenderer;
  let webgl: WebGLRenderer;
  beforeAll(async () => {
    webgl = new WebGLRenderer();
    webgl.shadowMap.enabled = true;
    webgl.shadowMap.type = PCFShadowMap;
    gpu = new WebGPURenderer();
    gpu.shadowMap.enabled = true;
    gpu.shadowMap.type = PCFShadowMap;
    await gpu.init();
  }, 60_000);
  afterAll(() => {
    webgl.dispose();
    gpu.dispose();
  });

  it.each([0, 1])(
    'draws AvatarMesh with its lights, shadows and weights as WebGLRenderer does, jawOpen %s',
    async (jawOpen) => {
      expect((gpu.backend as { isWebGPUBackend?: boolean }).isWebGPUBackend).toBe(true);
      const pictures: Uint8Array[] = [];
      for (const renderer of [webgl, gpu]) {
        // One each: three.js' renderers prepare a material in ways of their own.
        const face = createFace();
        face.setExpression({ jawOpen });
        const { scene, camera } = createScene(face);
        pictures.push(
          renderer === gpu ? await drawWebGpu(gpu, scene, camera, SIZE) : drawWebGl(webgl, scene, camera, SIZE),
        );
        face.dispose();
      }
      const { meanColourDiff, iou, covered } = comparePictures(pictures[0], pictures[1]);
      console.info(
        `three.js, jawOpen ${jawOpen}: mean colour difference ${meanColourDiff.toFixed(3)}/255, IoU ${iou.toFixed(5)}, covered ${covered}`,
      );
      expect(covered).toBeGreaterThan(jawOpen ? 5000 : 4000);
      expect(iou).toBeGreaterThan(0.995);
      expect(meanColourDiff).toBeLessThan(1.5);
    },
  );

  it('shows a texture that was painted on', async () => {
    const face = createFace();
    const { scene, camera } = createScene(face);
    const before = await drawWebGpu(gpu, scene, camera, SIZE);
    const paint = solidImage([30, 220, 30]);
    face.setAlbedo(paint);
    const after = await drawWebGpu(gpu, scene, camera, SIZE);
    const at = 4 * (SIZE * 40 + 50);
    expect(before[at]).toBeGreaterThan(0.5 * before[at + 1]);
    expect(after[at]).toBeLessThan(0.3 * after[at + 1]);
    face.dispose();
  });
});
