import { expect, it } from 'vitest';
import * as api from '../src/index.js';

it('exports what it says', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BAKE_GRID_DEFAULTS",
      "FaceError",
      "MOUTH_PARTS",
      "SHEETS",
      "SPHERE_TRACE_DEFAULTS",
      "bakeGrid",
      "checkCode",
      "checkCodes",
      "createCodes",
      "createExpression",
      "expressionFromArkit",
      "gridField",
      "isFaceError",
      "loadRig",
      "loadSdfLayers",
      "loadSdfModel",
      "mixCodes",
      "modelField",
      "opSmoothUnion",
      "opSubtraction",
      "opUnion",
      "pointwiseField",
      "sampleGrid",
      "sdBox",
      "sdCapsule",
      "sdSphere",
      "sphereTrace",
    ]
  `);
});
