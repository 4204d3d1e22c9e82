import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { computeDominantLight, computeShading, rotateLighting, type Vec3 } from '../src/index.js';

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

it('turns light by a matrix', () => {
  // Columns are any three unit vectors at right angles.
  const x = unit();
  const other = unit();
  const along = x[0] * other[0] + x[1] * other[1] + x[2] * other[2];
  const across = other.map((v, k) => v - along * x[k]);
  const y = across.map((v) => v / Math.hypot(...across));
  const z = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  const turned = rotateLighting(lighting, [...x, ...y, ...z]);
  for (let i = 0; i < 20; i++) {
    const from = unit();
    const n = [0, 1, 2].map((k) => x[k] * from[0] + y[k] * from[1] + z[k] * from[2]) as unknown as Vec3;
    expect(computeShading(turned, n)).toBeCloseToTensor(computeShading(lighting, from), 1e-5);
  }
  expect(() => rotateLighting(lighting, [1, 0, 0])).toThrow(expect.objectContaining({ code: 'SHAPE' }));
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

it.each([[new Float32Array(26)], [new Float32Array(27).fill(Number.NaN)]])(
  'refuses lighting that is not 27 numbers',
  (wrong) => {
    expect(() => computeShading(wrong, [0, 0, 1])).toThrow(expect.objectContaining({ code: 'SHAPE' }));
  },
);
