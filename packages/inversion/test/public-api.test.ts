import { expect, it } from 'vitest';
import * as api from '../src/index.js';

it('exports these names and no others', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "FaceError",
      "INVERT_IMAGE_DEFAULTS",
      "LEAST_POINTS",
      "MOST_PHOTOS",
      "POSE_STEPS",
      "PRESETS",
      "RECOVER_CODES_DEFAULTS",
      "STAGES",
      "TRACKER_DEFAULTS",
      "alignSimilarity",
      "applySimilarity",
      "computeNme",
      "computeProjectedNme",
      "computeRenderNme",
      "createTracker",
      "encodeFace",
      "expressionTrack",
      "invertImage",
      "invertImages",
      "isFaceError",
      "recoverCodes",
      "recoverTextureCodes",
      "trackVideo",
    ]
  `);
});
