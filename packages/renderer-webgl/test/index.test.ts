import { expect, it } from 'vitest';
import * as api from '../src/index.js';
import * as webgpu from '../src/webgpu/index.js';

it('exports these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "AVATAR_RENDERER_DEFAULTS",
      "BAKER_DEFAULTS",
      "CLIP_RANGE_DEFAULTS",
      "EXACT_RENDER_DEFAULTS",
      "FACE_GLOSS",
      "MAX_LIGHTS",
      "ORBIT_CONTROLS_DEFAULTS",
      "PART_NAMES",
      "TEXTURE_PAINTER_DEFAULTS",
      "blendWeights",
      "castRay",
      "computeClipFromCamera",
      "computeDominantLight",
      "computeHighlight",
      "computeShading",
      "computeSurfaceLight",
      "connectBaker",
      "createAvatarRenderer",
      "createBakedField",
      "createBakedRenderer",
      "createBaker",
      "createOrbitControls",
      "createPaintControls",
      "createSurfaceLight",
      "createTexturePainter",
      "gazeWeights",
      "perturbNormal",
      "pickMeshes",
      "projectEnvironment",
      "projectLights",
      "renderExact",
      "rotateLighting",
      "sampleTrack",
      "serveBaker",
      "traceBaked",
    ]
  `);
});

it('exports these names for WebGPU', () => {
  expect(Object.keys(webgpu).sort()).toMatchInlineSnapshot(`
    [
      "createWebGpuAvatarRenderer",
      "createWebGpuBakedRenderer",
      "renderWebGpuExact",
      "toWebGpuClip",
    ]
  `);
});
