import { viewCamera } from '@implicit-faces/avatar';
import { FaceError, type FaceLandmarks, IBUG68_FROM_468, type Landmarker } from '@implicit-faces/landmarks';
import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { computeNme, computeProjectedNme, computeRenderNme } from '../src/landmark-errors.js';

const image = { data: new Uint8ClampedArray(4), width: 1, height: 1 };

/** Landmarks anywhere, but for the outer eye corners that are 50 pixels apart. */
function somePoints(): Float32Array {
  const points = createRandom(4).uniforms(468 * 3, 0, 400);
  points.set([100, 200], 3 * 33);
  points.set([130, 240], 3 * 263);
  return points;
}

/** Landmarks moved by (dx, dy). */
function moved(points: Float32Array, dx: number, dy: number): Float32Array {
  return points.map((value, i) => value + [dx, dy, 1000][i % 3]);
}

/** Finds these faces. */
function finding(...faces: Float32Array[]): Landmarker {
  return {
    async detect(_, { index = 0 } = {}) {
      if (faces.length === 0) throw new FaceError('NO_FACE', 'detect: no face.');
      return { points: faces[index], faceCount: faces.length } as FaceLandmarks;
    },
    track: () => Promise.reject(new Error('not asked for')),
    mask: () => Promise.reject(new Error('not asked for')),
    dispose: async () => {},
  };
}

it('is a share of the distance between the outer eye corners', () => {
  const photo = somePoints();
  expect(computeNme(photo, moved(photo.subarray(0, 3), 3, 4), [0])).toBeCloseTo(0.1, 5);
});

it('compares the render with the nearest of the faces that it shows', async () => {
  const photo = somePoints();
  const landmarks = finding(moved(photo, 300, 0), moved(photo, 0.6, -0.8), moved(photo, 0, 90));
  expect(await computeRenderNme(landmarks, photo, image)).toBeCloseTo(0.02, 5);
});

it('says null when the render shows no face, and lets other errors through', async () => {
  expect(await computeRenderNme(finding(), somePoints(), image)).toBeNull();
  const broken = { ...finding(), detect: () => Promise.reject(new Error('out of order')) };
  await expect(computeRenderNme(broken, somePoints(), image)).rejects.toThrow('out of order');
});

it('projects the 68 points with the camera', () => {
  const camera = viewCamera(0);
  const points = new Float32Array(68 * 3);
  const photo = somePoints();
  // The world's origin is seen at the same pixel for all of them.
  const scale = camera.focalLengthPx / 1.1;
  for (const index of IBUG68_FROM_468) photo.set([256 + 5, 256 + scale * 0.008 * (1.1 / 1.112)], 3 * index);
  photo.set([100, 200], 3 * 33);
  photo.set([130, 240], 3 * 263);
  const [x, y] = [256, 256 + (camera.focalLengthPx * 0.008) / 1.112];
  const eyes = Math.hypot(x - 100, y - 200) + Math.hypot(x - 130, y - 240);
  expect(computeProjectedNme(photo, points, camera)).toBeCloseTo((66 * 5 + eyes) / 68 / 50, 4);
});
