import {
  AmbientLight,
  BoxGeometry,
  DirectionalLight,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  PointLight,
  Raycaster,
  Scene,
  Vector2,
  WebGLRenderer,
  WebGLRenderTarget,
} from 'three';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NormalMapOptions } from '../src/index.js';
import { AvatarMesh, AvatarVolume } from '../src/three/index.js';
import { solidImage, sphereMesh } from './support/meshes.js';
import { drawWebGl } from './support/three.js';
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

/** A ball for skin that one weight makes wider and another leaves alone. */
function createBall(relief: NormalMapOptions = {}): { face: AvatarMesh; scene: Scene; camera: PerspectiveCamera } {
  const mesh = sphereMesh('skin', { radius: 0.08, image: solidImage([200, 60, 60]) });
  const wider = {
    positions: mesh.positions.map((x, i) => (i % 3 === 0 ? 0.5 * x : 0)),
    normals: mesh.normals.map(() => 0),
  };
  const rig = {
    names: ['jawOpen', 'eyeBlinkLeft'],
    weights: Float32Array.of(0, 0),
    meshes: [{ ...mesh, targets: [wider, undefined] }],
  };
  const face = new AvatarMesh(rig as ConstructorParameters<typeof AvatarMesh>[0], relief);
  const scene = new Scene();
  scene.add(face, new AmbientLight(0xffffff, Math.PI));
  const camera = new PerspectiveCamera(30, 1, 0.05, 10);
  camera.position.set(0, 0, 0.6);
  camera.updateMatrixWorld();
  return { face, scene, camera };
}

/** The toy, grey in white light, before a camera half a metre away; what else is put in is blue. */
function createScene(relief: NormalMapOptions = {}): { scene: Scene; camera: PerspectiveCamera; face: AvatarVolume } {
  const grey = solidImage([200, 200, 200]);
  const parts = ['eyeLeft', 'eyeRight', 'teethUpper', 'teethLower', 'tongue'];
  const face = new AvatarVolume({
    ...relief,
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

it("is lit by the scene's directional and point lights", () => {
  const { scene, camera, face } = createScene();
  const ambient = scene.children.find((child) => child instanceof AmbientLight)!;
  const underAmbient = draw(scene, camera).middle[0];
  scene.remove(ambient);
  const under = (light: DirectionalLight | PointLight, z: number) => {
    light.position.set(0, 0, z);
    scene.add(light);
    const [red] = draw(scene, camera).middle;
    scene.remove(light);
    return red;
  };
  const sun = () => new DirectionalLight(0xffffff, Math.PI);
  // What is in the middle does not quite face the light.
  expect(under(sun(), 1)).toBeGreaterThan(0.8 * underAmbient);
  expect(under(sun(), 1)).toBeLessThanOrEqual(underAmbient);
  expect(under(sun(), -1)).toBe(0);
  const lamp = () => new PointLight(0xffffff, Math.PI);
  const [near, far] = [under(lamp(), 1.5), under(lamp(), 2.5)];
  expect(near / far).toBeGreaterThan(2.6);
  expect(near / far).toBeLessThan(3.4);
  face.dispose();
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

it('AvatarMesh moves with its weights, shows another texture, is picked on its chart, and frees what it took', () => {
  // three.js keeps a table of its own from its first standard material on.
  const first = createBall();
  draw(first.scene, first.camera);
  first.face.dispose();
  const { face, scene, camera } = createBall();
  const before = { ...renderer.info.memory };
  const atRest = draw(scene, camera);
  expect(atRest.middle[0]).toBeGreaterThan(2 * atRest.middle[1]);
  face.setExpression({ jawOpen: 1 });
  const wide = draw(scene, camera);
  expect(wide.covered / atRest.covered).toBeGreaterThan(1.4);
  expect(wide.covered / atRest.covered).toBeLessThan(1.6);
  face.setExpression([0, 1]);
  expect(draw(scene, camera).covered).toBe(atRest.covered);
  expect(() => face.setExpression({ jaw: 1 })).toThrow(/there is no jaw/);

  const raycaster = new Raycaster();
  raycaster.setFromCamera(new Vector2(0, 0), camera);
  const hit = face.pick(raycaster);
  expect(hit?.part).toBe('skin');
  // The middle of the front: half round from behind, half-way down.
  expect(hit?.uv[0]).toBeCloseTo(0.5, 2);
  expect(hit?.uv[1]).toBeCloseTo(0.5, 2);
  expect(hit?.distance).toBeCloseTo(0.52, 3);

  const paint = solidImage([60, 200, 60]);
  face.setAlbedo(paint);
  const green = draw(scene, camera).middle;
  expect(green[1]).toBeGreaterThan(2 * green[0]);
  (paint.data as Uint8Array).set([60, 60, 200, 255]);
  face.setAlbedo(paint);
  const blue = draw(scene, camera).middle;
  expect(blue[2]).toBeGreaterThan(2 * blue[1]);

  face.dispose();
  expect(renderer.info.memory).toEqual(before);
});

describe.each([
  ['AvatarMesh', createBall, [48, 40], undefined],
  ['AvatarVolume', createScene, [48, 30], [62, 34]],
] as const)('%s with a normal map', (_, create, skinPixel, eyePixel) => {
  /** Red of a pixel of skin, between the eyes of who has some, and of one of an eye, under one light. */
  function lit(relief: NormalMapOptions, x: number, y: number) {
    const { scene, camera, face } = create(relief);
    scene.remove(scene.children.find((child) => child instanceof AmbientLight)!);
    const sun = new DirectionalLight(0xffffff, 2);
    sun.position.set(x, y, 1);
    scene.add(sun);
    const pixels = drawWebGl(renderer, scene, camera, SIZE);
    face.dispose();
    const red = ([column, row]: readonly [number, number]) => pixels[4 * (SIZE * row + column)];
    return { skin: red(skinPixel), eye: eyePixel && red(eyePixel) };
  }

  it.each([
    ['to the right', [200, 128, 220], 1, 0],
    ['upward', [128, 200, 220], 0, 1],
  ] as const)('leans skin %s as the map says, and nothing else', (_direction, colour, x, y) => {
    const relief = { normalMap: solidImage(colour) };
    // Skin there looks upward already; what it leans to is not past the first light.
    const [toward, away] = [2, -0.4].map((side) => {
      const [smooth, leaning] = [lit({}, side * x, side * y), lit(relief, side * x, side * y)];
      expect(smooth.skin).toBeGreaterThan(10);
      expect(leaning.eye).toBe(smooth.eye);
      return leaning.skin / smooth.skin;
    });
    expect(toward).toBeGreaterThan(1.2);
    expect(away).toBeLessThan(0.8);
  });
});
