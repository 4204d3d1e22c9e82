import { expect, it } from 'vitest';
import { perturbNormal, type Vec3 } from '../src/index.js';

const OUT: Vec3 = [0, 0, 1];
// A chart on the plane z = 0 with u along x and v down, seen from outside with pixels of a millimetre.
const pixel: Vec3 = [1e-3, 0, 0];
const above: Vec3 = [0, 1e-3, 0];

it('leans along u with x and up the picture with y, whatever the chart is turned and the order of pixels', () => {
  const lean: Vec3 = [0.3, 0.4, Math.sqrt(0.75)];
  expect(perturbNormal(OUT, lean, pixel, above, [0.01, 0], [0, -0.01])).toBeCloseToTensor(lean, 1e-6);
  // Rows from the top, as WebGPU has them.
  const below: Vec3 = [0, -1e-3, 0];
  expect(perturbNormal(OUT, lean, pixel, below, [0.01, 0], [0, 0.01])).toBeCloseToTensor(lean, 1e-6);
  // The chart a quarter turned: u up, v along x.
  const turned = perturbNormal(OUT, lean, pixel, above, [0, 0.01], [0.01, 0]);
  expect(turned).toBeCloseToTensor([-lean[1], lean[0], lean[2]], 1e-6);
  // Seen at a slant, pixels are longer one way; the surface is the same.
  const slanted: Vec3 = [0, 5e-3, 0];
  expect(perturbNormal(OUT, lean, pixel, slanted, [0.01, 0], [0, -0.05])).toBeCloseToTensor(lean, 1e-6);
});

it('leaves the normal where the map is flat or the chart does not change', () => {
  const normal: Vec3 = [0.6, 0, 0.8];
  expect(perturbNormal(normal, OUT, pixel, above, [0.01, 0.002], [0.003, -0.01])).toBeCloseToTensor(normal, 1e-6);
  expect(perturbNormal(normal, [0.5, 0.5, 0.7], pixel, above, [0, 0], [0, 0])).toBeCloseToTensor(normal, 1e-6);
});
