import { expect, it } from 'vitest';
import * as main from '../src/index.js';
import * as node from '../src/node.js';

it('exports these names and no others', () => {
  expect(Object.keys(main).sort()).toMatchInlineSnapshot(`
    [
      "DETECT_DEFAULTS",
      "FACE_OVAL",
      "FaceError",
      "IBUG68_FROM_468",
      "LANDMARK_COUNT",
      "LEFT_BROW",
      "LEFT_EYE",
      "LEFT_EYE_OUTER",
      "LIPS_INNER",
      "LIPS_OUTER",
      "NOSE_BRIDGE",
      "RIGHT_BROW",
      "RIGHT_EYE",
      "RIGHT_EYE_OUTER",
      "cropFace",
      "isFaceError",
      "loadLandmarker",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "DECODE_IMAGE_DEFAULTS",
      "decodeImage",
      "modelFiles",
    ]
  `);
});
