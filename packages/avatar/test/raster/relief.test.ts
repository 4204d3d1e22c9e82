import { describe, expect, it } from 'vitest';
import {
  computeNormals,
  computePsnrDb,
  decodeNormalMap,
  encodeNormalMap,
  renderAvatar,
  viewCamera,
} from '../../src/index.js';
import { flatImage, gridMesh, partMesh } from '../meshes.js';

const front = { target: [0, 0, 0], frame: 0.25, size: 96 } as const;
const size = { width: 96, height: 96 };
const lighting = new Float32Array(27).fill(2.6, 0, 3);
// A light from the upper left, warm above and cold at the side.
lighting.set([1.2, 0.9, 0.6], 3);
lighting.set([-0.6, -0.9, -1.2], 9);

/** Ridges along a slant, 2.5 mm high, metres over the picture's (x right, y up). */
const height = (x: number, y: number) => 0.0025 * Math.sin(2 * Math.PI * (7 * x - 5 * y) * 4);
/** A square of the side 0.25 in cells, flat or as the ridges have it. */
function relief(cells: number, isFlat: boolean) {
  const mesh = partMesh('skin', gridMesh(cells, cells), flatImage(1, 1, [190, 160, 140]));
  for (let i = 0; i < mesh.positions.length; i += 3) {
    const [x, y] = [mesh.positions[i] / 4 - 0.125, mesh.positions[i + 1] / 4 - 0.125];
    mesh.positions.set([x, y, isFlat ? 0 : height(x, y)], i);
  }
  return { ...mesh, normals: computeNormals(mesh.positions, mesh.indices) };
}
const side = 256;
const normals = Float32Array.from({ length: 3 * side * side }, () => 0);
for (let i = 0; i < side * side; i++) {
  const x = (((i % side) + 0.5) / side - 0.5) / 4;
  const y = (0.5 - (Math.floor(i / side) + 0.5) / side) / 4;
  const step = 1e-5;
  const n = [
    (height(x - step, y) - height(x + step, y)) / (2 * step),
    (height(x, y - step) - height(x, y + step)) / (2 * step),
    1,
  ];
  normals.set(
    n.map((c) => c / Math.hypot(...n)),
    3 * i,
  );
}

describe('normal maps', () => {
  it('keep unit vectors to a byte', () => {
    expect(decodeNormalMap(encodeNormalMap(normals, side, side))).toBeCloseToTensor(normals, 1.001 / 255);
    expect([...encodeNormalMap(new Float32Array([0, 0, 1, -1, 0, 0]), 2, 1).data]).toEqual([
      128, 128, 255, 255, 0, 128, 128, 255,
    ]);
  });

  it.each([
    ['textured', {}],
    ['clay', { clay: true }],
  ])('on a flat square look like the relief that they are of: %s', (_, options) => {
    const camera = viewCamera(0, front);
    const truth = renderAvatar([relief(192, false)], camera, lighting, { ...size, ...options });
    const flat = relief(4, true);
    const mapped = { ...flat, normalMap: encodeNormalMap(normals, side, side) };
    const seen = truth.mask;
    const smooth = computePsnrDb(renderAvatar([flat], camera, lighting, { ...size, ...options }), truth, seen);
    const rough = computePsnrDb(renderAvatar([mapped], camera, lighting, { ...size, ...options }), truth, seen);
    expect(smooth).toBeLessThan(30);
    expect(rough).toBeGreaterThan(44);
  });
});
