import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { createProjected, type Pose, projectWithDerivatives, stepPose } from '../../src/pose.js';
import { PORTRAIT_DISTANCE, startPose } from '../../src/stages/start.js';

/** Turns [about the camera's x, y, z], radians. */
const TURNS = {
  ahead: [0, 0, 0],
  'looking aside': [0.1, 1.1, 0],
  'looking up': [-0.7, 0.2, 0.1],
  'upside down': [0.2, -0.5, 3],
};

describe.each(Object.entries(TURNS))('startPose, a head %s', (name, turn) => {
  const random = createRandom(name.length);
  const points = random.uniforms(3 * 40, -0.08, 0.08).map((v, i) => v + [0, 0.03, 0.05][i % 3]);
  const principal = [320, 240] as const;
  const none: Pose = {
    rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
    translation: new Float64Array(3),
    focalLengthPx: 1,
    principalPointPx: principal,
  };
  const { rotation: r } = stepPose(none, [...turn, 0, 0, 0, 0]);
  const scale = 1700; // pixels per metre
  const shift = [250, 300, 12];
  const detected = Float32Array.from(points, (_, i) => {
    const [n, axis] = [i - (i % 3), i % 3];
    const turned = r[3 * axis] * points[n] + r[3 * axis + 1] * points[n + 1] + r[3 * axis + 2] * points[n + 2];
    return shift[axis] + [1, -1, -1][axis] * scale * turned;
  });
  const pose = startPose(points, detected, principal);

  it('finds the similarity', () => {
    expect(pose.rotation).toBeCloseToTensor(r, 1e-5);
    expect(pose.focalLengthPx / PORTRAIT_DISTANCE).toBeCloseTo(scale, 1);
    expect(pose.principalPointPx).toEqual(principal);
  });

  it('puts the middle of the points at its pixel, a portrait away', () => {
    const middle = (values: Float32Array, axis: number) =>
      values.filter((_, i) => i % 3 === axis).reduce((sum, v) => sum + v, 0) / 40;
    const [x, y, z] = [0, 1, 2].map((axis) => middle(points, axis));
    const seen = projectWithDerivatives(pose, x, y, z, createProjected());
    expect([seen.x, seen.y]).toBeCloseToTensor([middle(detected, 0), middle(detected, 1)], 1e-2);
    expect(seen.depth).toBeCloseTo(PORTRAIT_DISTANCE, 5);
  });
});

it('never mirrors', () => {
  const points = createRandom(3).uniforms(3 * 20, -0.1, 0.1);
  const mirrored = points.map((v, i) => [1000, -1000, 1000][i % 3] * v); // z the wrong way round
  const { rotation: r } = startPose(points, mirrored, [0, 0]);
  const determinant =
    r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) + r[2] * (r[3] * r[7] - r[4] * r[6]);
  expect(determinant).toBeCloseTo(1, 9);
});
