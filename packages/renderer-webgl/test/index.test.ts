import { expect, it } from 'vitest';
import * as api from '../src/index.js';

it('exports these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "AVATAR_RENDERER_DEFAULTS",
      "CLIP_RANGE_DEFAULTS",
      "FACE_GLOSS",
      "ORBIT_CONTROLS_DEFAULTS",
      "computeClipFromCamera",
      "computeDominantLight",
      "computeHighlight",
      "computeShading",
      "createAvatarRenderer",
      "createOrbitControls",
      "rotateLighting",
    ]
  `);
});
