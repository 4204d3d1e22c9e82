import { it } from 'vitest';
import { commands } from 'vitest/browser';
import { createAvatarRenderer } from '../../src/index.js';
import { CAMERA, createContext, createTarget } from '../support/scene.js';
import { SCENES } from './scenes.js';

const SIZE = 128;

for (const scene of SCENES) {
  it(scene.it, async () => {
    const gl = createContext(SIZE);
    const target = createTarget(gl, SIZE, 'RGBA8', true);
    const renderer = createAvatarRenderer({ gl, ...scene.options });
    scene.create(renderer);
    renderer.render({ ...CAMERA, viewport: [0, 0, SIZE, SIZE], framebuffer: target.framebuffer });
    const pixels = btoa(String.fromCharCode(...target.readBytes()));
    const file = `packages/renderer-webgl/test/visual/golden/${scene.name}.webgl.png`;
    await commands.compareWithGolden(pixels, SIZE, SIZE, file, { maxDiffPixels: scene.maxDiffPixels });
  });
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** See vitest.config.ts. */
    compareWithGolden(
      pixels: string,
      width: number,
      height: number,
      file: string,
      options: { maxDiffPixels: number; threshold?: number },
    ): Promise<void>;
  }
}
