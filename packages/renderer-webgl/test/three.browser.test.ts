import {
  AmbientLight,
  BoxGeometry,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  Scene,
  WebGLRenderer,
  WebGLRenderTarget,
} from 'three';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AvatarVolume } from '../src/three/index.js';
import { solidImage } from './support/meshes.js';
import { createToyBake } from './support/toy-bake.js';

const SIZE = 96;
let toy: Awaited<ReturnType<typeof createToyBake>>;
let renderer: WebGLRenderer;
beforeAll(async () => {
  toy = await createToyBake();
  renderer = new WebGLRenderer();
  renderer.setSize(SIZE, SIZE);
});
afterAll(() => renderer.dispose());

/** The toy, grey in white light, before a camera half a metre away; what else is put in is blue. */
function createScene(): { scene: Scene; camera: PerspectiveCamera; face: AvatarVolume } {
  const grey = solidImage([200, 200, 200]);
  const parts = ['eyeLeft', 'eyeRight', 'teethUpper', 'teethLower', 'tongue'];
  const face = new AvatarVolume({
    fixed: toy.fixed,
    albedo: grey,
    partAlbedos: Object.fromEntries(parts.map((name) => [name, grey])),
  });
  face.setBake(toy.bake);
  const scene = new Scene();
  scene.add(face, new AmbientLight(0xffffff, Math.PI));
  const camera = new PerspectiveCamera(30, 1, 0.05, 10);
  camera.position.set(0, 0, 0.5);
  return { scene, camera, face };
}

/** Draws into a target and gives the colour of the pixel in the middle and of all pixels. */
function draw(scene: Scene, camera: PerspectiveCamera): { middle: number[]; covered: number } {
  const target = new WebGLRenderTarget(SIZE, SIZE);
  renderer.setRenderTarget(target);
  renderer.render(scene, camera);
  const pixels = new Uint8Array(4 * SIZE * SIZE);
  renderer.readRenderTargetPixels(target, 0, 0, SIZE, SIZE, pixels);
  renderer.setRenderTarget(null);
  target.dispose();
  const at = 4 * ((SIZE / 2) * SIZE + SIZE / 2);
  const covered = Array.from({ length: SIZE * SIZE }, (_, i) => i).filter((i) => pixels[4 * i] > 20).length;
  return { middle: [...pixels.slice(at, at + 3)], covered };
}

const blueBox = (z: number) => {
  const box = new Mesh(new BoxGeometry(0.02, 0.02, 0.02), new MeshBasicMaterial({ color: 0x0000ff }));
  box.position.z = z;
  return box;
};

it('draws in the midst of a three.js scene, hides and is hidden', () => {
  const { scene, camera, face } = createScene();
  const alone = draw(scene, camera);
  expect(alone.covered).toBeGreaterThan(0.2 * SIZE * SIZE);
  expect(alone.middle[0]).toBeGreaterThan(80);
  expect(Math.abs(alone.middle[0] - alone.middle[2])).toBeLessThan(8);
  const before = blueBox(0.25);
  scene.add(before, blueBox(-0.3));
  expect(draw(scene, camera).middle).toEqual([0, 0, 255]);
  scene.remove(before);
  expect(draw(scene, camera).middle).toEqual(alone.middle);
  face.dispose();
  expect(scene.children).not.toContain(face);
});

it('leaves what three.js draws after it as it was', () => {
  const { scene, camera, face } = createScene();
  const last = blueBox(0.25);
  last.renderOrder = 1;
  scene.add(last);
  expect(draw(scene, camera).middle).toEqual([0, 0, 255]);
  const error = renderer.getContext().getError();
  expect(error).toBe(0);
  face.dispose();
});
