import { type mat4, vec4 } from 'gl-matrix';
import { expect, it } from 'vitest';
import { computeClipFromCamera } from '../src/index.js';

it('puts points on the pixels of the pinhole camera', () => {
  const intrinsics = { focalLengthPx: 900, principalPointPx: [300, 260] as const, width: 640, height: 480 };
  const clipFromCamera = computeClipFromCamera(intrinsics);
  const [x, y, z] = [0.08, -0.05, -0.6];
  const clip = vec4.transformMat4(vec4.create(), [x, y, z, 1], clipFromCamera as mat4);
  const column = ((clip[0] / clip[3] + 1) / 2) * 640;
  const row = ((1 - clip[1] / clip[3]) / 2) * 480;
  // docs/conventions.md, "Images and cameras".
  expect([column, row]).toBeCloseToTensor([300 + (900 * x) / -z, 260 - (900 * y) / -z], 1e-3);
  expect(Math.abs(clip[2] / clip[3])).toBeLessThan(1);
});
