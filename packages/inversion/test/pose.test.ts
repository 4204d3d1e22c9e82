import { projectPoints } from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { cameraFromPose, createProjected, POSE_PARAMETERS, projectWithDerivatives, stepPose } from '../src/pose.js';
import { differentiate, somePose } from './helpers/scenes.js';

const SEEDS = [1, 2, 3, 4];

describe.each(SEEDS)('projectWithDerivatives, seed %i', (seed) => {
  const random = createRandom(seed);
  const pose = stepPose(somePose(random), [...random.uniforms(3, -1, 1), 0, 0, 0, 0]);
  const point = random.uniforms(3, -0.1, 0.1);
  const project = (p: ArrayLike<number>, step: ArrayLike<number> = new Float64Array(POSE_PARAMETERS)) =>
    projectWithDerivatives(stepPose(pose, step), p[0], p[1], p[2], createProjected());
  const { x, y, depth, byPoint, byPose } = project(point);

  it('is where the avatar package projects', () => {
    expect([x, y, depth]).toBeCloseToTensor(projectPoints(cameraFromPose(pose), point), 1e-4);
  });

  it('derives by the point as finite differences do', () => {
    for (const [row, axis] of (['x', 'y'] as const).entries()) {
      const expected = differentiate((step) => project(Array.from(point, (v, i) => v + step[i]))[axis], 3);
      expect(byPoint.subarray(3 * row, 3 * row + 3)).toBeCloseToTensor(expected, 1e-3);
    }
  });

  it('derives by the pose as finite differences do', () => {
    for (const [row, axis] of (['x', 'y'] as const).entries()) {
      const expected = differentiate((step) => project(point, step)[axis], POSE_PARAMETERS);
      expect(byPose.subarray(POSE_PARAMETERS * row, POSE_PARAMETERS * (row + 1))).toBeCloseToTensor(expected, 1e-3);
    }
  });
});

describe('stepPose', () => {
  const pose = somePose(createRandom(9));

  it('keeps the rotation a rotation, for small and large steps', () => {
    for (const size of [1e-12, 1e-6, 0.1, 3]) {
      const { rotation: r } = stepPose(pose, [size, -size / 2, size, 0, 0, 0, 0]);
      const product = Array.from({ length: 9 }, (_, i) => {
        const [a, b] = [3 * Math.floor(i / 3), 3 * (i % 3)];
        return r[a] * r[b] + r[a + 1] * r[b + 1] + r[a + 2] * r[b + 2];
      });
      expect(product).toBeCloseToTensor([1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-6);
    }
  });

  it('is undone by the opposite step', () => {
    const step = createRandom(3).uniforms(POSE_PARAMETERS, -0.4, 0.4);
    const back = stepPose(
      stepPose(pose, step),
      step.map((v) => -v),
    );
    expect(back.rotation).toBeCloseToTensor(pose.rotation, 1e-9);
    expect(back.translation).toBeCloseToTensor(pose.translation, 1e-9);
    expect(back.focalLengthPx).toBeCloseTo(pose.focalLengthPx, 6);
  });

  it('turns a quarter about +Z: what was right of the camera is above', () => {
    const ahead = { ...pose, rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]) };
    const { rotation } = stepPose(ahead, [0, 0, Math.PI / 2, 0, 0, 0, 0]);
    expect(rotation).toBeCloseToTensor([0, -1, 0, 1, 0, 0, 0, 0, 1], 1e-12);
  });
});
