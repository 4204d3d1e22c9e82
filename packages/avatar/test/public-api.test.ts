import { expect, it } from 'vitest';
import * as main from '../src/index.js';
import * as node from '../src/node.js';

it('exports these names and no others', () => {
  expect(Object.keys(main).sort()).toMatchInlineSnapshot(`
    [
      "ENCODER_MARGIN",
      "FIELD_MESH_DEFAULTS",
      "FaceError",
      "RASTERIZE_DEFAULTS",
      "RENDER_DEFAULTS",
      "VIEW_CAMERA_DEFAULTS",
      "VISIBILITY_DEFAULTS",
      "addTuning",
      "avatarMeshes",
      "avatarSurface",
      "clayShading",
      "computeArkitRig",
      "computeNormals",
      "computePsnrDb",
      "computeSsim",
      "computeTangents",
      "computeTexelDensities",
      "createMipmaps",
      "createRaster",
      "cropCamera",
      "decodeNormalMap",
      "encodeNormalMap",
      "exportGlb",
      "exportObj",
      "fieldMesh",
      "isFaceError",
      "loadAvatar",
      "loadEncoder",
      "loadFaceModel",
      "partImage",
      "projectPoints",
      "rasterize",
      "renderAvatar",
      "sampleCodes",
      "sampleMipmaps",
      "saveAvatar",
      "shade",
      "solveBoundedLeastSquares",
      "sphericalHarmonicsShading",
      "viewCamera",
      "visiblePoints",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "encodePng",
    ]
  `);
});
