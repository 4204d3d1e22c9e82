import { expect, it } from 'vitest';
import * as api from '../src/index.js';

it('exports what it says', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "FaceError",
      "REGIONS",
      "bakeAlbedo",
      "computeCycleErrors",
      "decodeSrgb",
      "encodeSrgb",
      "isFaceError",
      "linearFromSrgb",
      "loadTopology",
      "loadUvModel",
      "sampleChartMap",
      "srgbFromLinear",
      "surfaceLandmarks",
      "texelCentres",
    ]
  `);
});
