import { createRandom } from '@implicit-faces/test-utils';
import type { PunctualLight, Vec3 } from '../../src/index.js';

/** How many places are shaded. */
export const COUNT = 256;

const random = createRandom(2);
function unit(): Vec3 {
  const v = [random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}

/** What both backends' shading is asked with: unit vectors, */
export const NORMALS = Array.from({ length: COUNT }, unit);
export const EYES = Array.from({ length: COUNT }, unit);
/** and numbers in 0 to 1, none at its ends. */
export const SHARES = Array.from(
  { length: COUNT },
  () => [0, 1, 2].map(() => 0.01 + 0.98 * random.uniform()) as unknown as Vec3,
);

/** One of each kind. */
export const LIGHTS: readonly PunctualLight[] = [
  { kind: 'directional', colour: [1, 0.5, 0.2], intensity: 0.7, toLight: [1, 2, 3] },
  { kind: 'point', colour: [0.1, 0.2, 0.3], position: [0.5, 1.5, -2] },
];

export const scale = (v: Vec3, factor: number) => v.map((x) => factor * x) as unknown as Vec3;
