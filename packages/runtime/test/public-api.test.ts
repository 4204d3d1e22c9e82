import { expect, it } from 'vitest';
import * as index from '../src/index.js';
import * as node from '../src/node.js';

it('exports exactly these names', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "FaceError",
      "RUN_BATCHED_DEFAULTS",
      "createSeededRandom",
      "isFaceError",
      "loadNetwork",
      "loadTensors",
      "mergeOptions",
      "parseManifest",
      "parseNetworkManifest",
      "parseSafetensors",
      "readVerified",
      "takeTensor",
      "urlFiles",
      "writeSafetensors",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "directoryFiles",
    ]
  `);
});
