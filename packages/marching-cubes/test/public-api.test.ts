import { expect, it } from 'vitest';
import * as index from '../src/index.js';

it('exports exactly these names', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "FaceError",
      "SPARSE_MARCHING_CUBES_DEFAULTS",
      "isFaceError",
      "marchingCubes",
      "sparseMarchingCubes",
    ]
  `);
});
