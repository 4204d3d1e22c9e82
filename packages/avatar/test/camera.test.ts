import { describe, expect, it } from 'vitest';
import { cropCamera, projectPoints, viewCamera } from '../src/index.js';

const target = [0.01, -0.02, 0.03] as const;

describe('viewCamera', () => {
  it('keeps the target in the middle at the distance, and fits the frame, for every yaw', () => {
    for (const yaw of [-90, -30, 0, 30, 170]) {
      const camera = viewCamera(yaw, { target, distance: 1.5, frame: 0.4, size: 200 });
      const points = new Float32Array([...target, target[0], target[1] + 0.2, target[2]]);
      expect(projectPoints(camera, points)).toBeCloseToTensor([100, 100, 1.5, 100, 0, 1.5], 1e-4);
    }
  });

  it('turns the face to the left of the picture at -30 and to the right at +30', () => {
    const nose = new Float32Array([target[0], target[1], target[2] + 0.1]);
    const x = (yaw: number) => projectPoints(viewCamera(yaw, { target }), nose)[0];
    expect(x(-30)).toBeLessThan(230);
    expect(x(0)).toBeCloseTo(256, 4);
    expect(x(30)).toBeGreaterThan(282);
  });

  it("shows the subject's left at the right of the front view, and up above", () => {
    const [x, y, , x2, y2] = projectPoints(viewCamera(0), new Float32Array([0.1, 0, 0, 0, 0.1, 0]));
    expect(x).toBeGreaterThan(256);
    expect(y2).toBeLessThan(y);
    expect(x2).toBeCloseTo(256, 3);
  });
});

it('cropCamera keeps what is seen', () => {
  const camera = viewCamera(10);
  const points = new Float32Array([0.05, 0.06, 0.07]);
  const [x, y, depth] = projectPoints(camera, points);
  expect(projectPoints(cropCamera(camera, 100, 50, 2), points)).toBeCloseToTensor(
    [2 * (x - 100), 2 * (y - 50), depth],
    1e-3,
  );
});
