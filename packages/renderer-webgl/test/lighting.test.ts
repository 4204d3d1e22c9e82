import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { computeDominantLight, computeHighlight, computeShading, rotateLighting, type Vec3 } from '../src/index.js';

const random = createRandom(1);
const lighting = Float32Array.from({ length: 27 }, () => random.normal());

function unit(): Vec3 {
  const v = [random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}

it('turns light as it turns vectors', () => {
  const angle = 0.7;
  const turned = rotateLighting(lighting, angle);
  for (let i = 0; i < 20; i++) {
    const [x, y, z] = unit();
    const n: Vec3 = [Math.cos(angle) * x + Math.sin(angle) * z, y, Math.cos(angle) * z - Math.sin(angle) * x];
    expect(computeShading(turned, n)).toBeCloseToTensor(computeShading(lighting, [x, y, z]), 1e-5);
  }
});

it('turns light in place and all the way round', () => {
  const copy = lighting.slice();
  for (let i = 0; i < 5; i++) expect(rotateLighting(copy, (2 * Math.PI) / 5, copy)).toBe(copy);
  expect(copy).toBeCloseToTensor(lighting, 1e-5);
});

it('finds a directional light', () => {
  const direction = unit();
  const colour: Vec3 = [2, 1.5, 0.5];
  // Projection of E max(0, n . d) by summing over evenly spread directions.
  const projected = new Float32Array(27);
  const count = 20000;
  for (let i = 0; i < count; i++) {
    const y = 1 - (2 * i + 1) / count;
    const turn = i * Math.PI * (3 - Math.sqrt(5));
    const [x, z] = [Math.sqrt(1 - y * y) * Math.cos(turn), Math.sqrt(1 - y * y) * Math.sin(turn)];
    const cosine = Math.max(0, x * direction[0] + y * direction[1] + z * direction[2]);
    for (let k = 0; k < 9; k++) {
      const only = new Float32Array(27);
      only[3 * k] = 1;
      const basis = computeShading(only, [x, y, z])[0];
      for (let c = 0; c < 3; c++) projected[3 * k + c] += (cosine * colour[c] * basis * 4 * Math.PI) / count;
    }
  }
  const light = computeDominantLight(projected);
  expect(light.toLight).toBeCloseToTensor(direction, 1e-3);
  expect(light.colour).toBeCloseToTensor(colour, 2e-3);
});

it('finds no directional light in even light', () => {
  const even = new Float32Array(27).fill(3, 0, 3);
  expect(computeDominantLight(even)).toEqual({ toLight: [0, 1, 0], colour: [0, 0, 0] });
});

it('mirrors most where the normal is half way between light and eye, and nothing from behind', () => {
  const gloss = { strength: 1, exponent: 50 };
  const highlight = (n: Vec3) => computeHighlight([0, 0.6, 0.8], [1, 1, 1], gloss, n, [0, -0.6, 0.8])[0];
  expect(highlight([0, 0, 1])).toBeGreaterThan(5 * highlight([0, 0.28, 0.96]));
  expect(highlight([0, 0, -1])).toBe(0);
});

it.each([[new Float32Array(26)], [new Float32Array(27).fill(Number.NaN)]])(
  'refuses lighting that is not 27 numbers',
  (wrong) => {
    expect(() => computeShading(wrong, [0, 0, 1])).toThrow(expect.objectContaining({ code: 'SHAPE' }));
  },
);
