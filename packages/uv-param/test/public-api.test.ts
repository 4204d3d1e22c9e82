import { expect, it } from 'vitest';
import * as api from '../src/index.js';

it('exports what it says', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "FaceError",
      "LINEAR_FROM_SRGB_BYTE",
      "REGIONS",
      "bakeAlbedo",
      "computeCycleErrors",
      "decodeSrgb",
      "encodeSrgb",
      "enlargeRegion",
      "enlargeTexture",
      "isFaceError",
      "linearFromSrgb",
      "loadTopology",
      "loadUvModel",
      "pullPush",
      "resampleChartMap",
      "sampleChartMap",
      "softened",
      "srgbByteFromLinear",
      "srgbFromLinear",
      "surfaceLandmarks",
      "texelCentres",
    ]
  `);
});
