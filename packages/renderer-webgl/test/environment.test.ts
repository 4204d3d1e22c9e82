import { isFaceError } from '@implicit-faces/runtime';
import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { computeShading, projectEnvironment, projectLights, rotateLighting, type Vec3 } from '../src/index.js';

const [width, height] = [64, 32];

/** Radiance from a direction, smooth enough for second order. */
const radiance = ([x, y, z]: Vec3) => [1 + 0.5 * y + 0.2 * x * z, 0.8 + 0.3 * x, 0.5 - 0.2 * z + 0.3 * y * z];

function picture() {
  const data = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const polar = (Math.PI * (Math.floor(i / width) + 0.5)) / height;
    const around = 2 * Math.PI * (((i % width) + 0.5) / width - 0.5);
    data.set(
      radiance([Math.sin(polar) * Math.sin(around), Math.cos(polar), Math.sin(polar) * Math.cos(around)]),
      3 * i,
    );
  }
  return { data, width, height };
}

it('projects an environment to what a matte surface sends back, as slow integration has it', () => {
  const lighting = projectEnvironment(picture());
  const random = createRandom(4);
  const normal: Vec3 = [0.48, 0.6, 0.64];
  const sum = [0, 0, 0];
  const samples = 200_000;
  for (let n = 0; n < samples; n++) {
    const v = [random.normal(), random.normal(), random.normal()];
    const length = Math.hypot(...v);
    const d: Vec3 = [v[0] / length, v[1] / length, v[2] / length];
    const cosine = Math.max(d[0] * normal[0] + d[1] * normal[1] + d[2] * normal[2], 0);
    // The density is 1 / 4 pi, the albedo's share 1 / pi.
    radiance(d).forEach((r, c) => {
      sum[c] += (4 * r * cosine) / samples;
    });
  }
  expect(computeShading(lighting, normal)).toBeCloseToTensor(sum, 0.01);
});

it('turns the environment as rotateLighting turns its shading', () => {
  expect(projectEnvironment(picture(), 0.7)).toBeCloseToTensor(
    rotateLighting(projectEnvironment(picture()), 0.7),
    0.01,
  );
});

it("shades to a light's colour where the light is faced", () => {
  expect(computeShading(projectLights([{ kind: 'ambient', colour: [0.2, 0.3, 0.4] }]), [0, 0, 1])).toBeCloseToTensor(
    [0.2, 0.3, 0.4],
    1e-5,
  );
  const sky = projectLights([{ kind: 'hemisphere', colour: [1, 1, 1], ground: [0, 0.5, 0] }]);
  expect(computeShading(sky, [0, 1, 0])).toBeCloseToTensor([1, 1, 1], 1e-5);
  expect(computeShading(sky, [0, -1, 0])).toBeCloseToTensor([0, 0.5, 0], 1e-5);
  const sun = projectLights([{ kind: 'directional', colour: [1, 0.5, 0], toLight: [0, 0, 3] }]);
  // Second order overshoots a clamped cosine by 6 %.
  expect(computeShading(sun, [0, 0, 1])).toBeCloseToTensor([1, 0.5, 0], 0.07);
});

it('refuses a picture of another size', () => {
  const bad = () => projectEnvironment({ data: new Float32Array(10), width: 4, height: 2 });
  expect(bad).toThrow(expect.objectContaining({ code: 'SHAPE' }));
  try {
    bad();
  } catch (error) {
    expect(isFaceError(error)).toBe(true);
  }
});
