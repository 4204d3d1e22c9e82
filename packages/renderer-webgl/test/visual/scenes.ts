import { type AvatarRenderer, type AvatarRendererOptions, FACE_GLOSS, rotateLighting } from '../../src/index.js';
import { checkerImage, solidImage, sphereMesh } from '../support/meshes.js';
import { LIGHTING } from '../support/scene.js';

/** A golden picture: `golden/NAME.webgl.png`, 128 x 128. */
export interface Scene {
  it: string;
  name: string;
  options?: Omit<AvatarRendererOptions, 'gl'>;
  create(renderer: AvatarRenderer): void;
  maxDiffPixels: number;
}

const sclera = solidImage([235, 230, 225]);

export const SCENES: Scene[] = [
  {
    it: 'textures and lights a matte sphere',
    name: 'matte-sphere',
    create(renderer) {
      renderer.setMeshes([sphereMesh('skin', { image: checkerImage(256, 16) })]);
      renderer.setLighting(LIGHTING);
    },
    maxDiffPixels: 40,
  },
  {
    it: 'draws glossy eyes that stick out of skin, the light turned to the other side',
    name: 'glossy-eyes',
    options: { gloss: FACE_GLOSS },
    create(renderer) {
      renderer.setMeshes([
        sphereMesh('eyeLeft', { center: [0.35, 0.2, 0.75], radius: 0.3, image: sclera }),
        sphereMesh('eyeRight', { center: [-0.35, 0.2, 0.75], radius: 0.3, image: sclera }),
        sphereMesh('skin', { image: solidImage([200, 140, 115]) }),
      ]);
      renderer.setLighting(rotateLighting(LIGHTING, 1));
    },
    maxDiffPixels: 40,
  },
];
