import { describe, expect, it } from 'vitest';
import { projectPoints, rasterize, viewCamera, visiblePoints } from '../../src/index.js';
import { ballMesh, flatImage } from '../meshes.js';

const ball = ballMesh('skin', 0.1, [0, 0, 0], flatImage(1, 1, [0, 0, 0]), 96);
const camera = viewCamera(25, { target: [0, 0, 0], frame: 0.3, size: 256 });
const raster = rasterize([ball], camera, { width: 256, height: 256 });

describe('visiblePoints', () => {
  it('sees the vertices of a ball up to its outline, as the normal says', () => {
    const visible = visiblePoints(raster, camera, ball.positions);
    const eye = [-Math.sin((25 * Math.PI) / 180) * 1.1, 0, Math.cos((25 * Math.PI) / 180) * 1.1];
    let compared = 0;
    for (let i = 0; i < visible.length; i++) {
      const n = ball.normals.subarray(3 * i, 3 * i + 3);
      const p = ball.positions.subarray(3 * i, 3 * i + 3);
      const toEye = eye.map((value, k) => value - p[k]);
      const cosine = toEye.reduce((sum, value, k) => sum + value * n[k], 0) / Math.hypot(...toEye);
      // Within two pixels of the outline the background is next to both sides.
      if (Math.abs(cosine) < 0.25) continue;
      compared++;
      expect(visible[i]).toBe(cosine > 0 ? 1 : 0);
    }
    expect(compared).toBeGreaterThan(2500);
  });

  it('hides what is behind by more than the tolerance, or outside the picture', () => {
    const towardCamera = (depth: number) => {
      const yaw = (25 * Math.PI) / 180;
      return [-Math.sin(yaw) * (1.1 - depth), 0, Math.cos(yaw) * (1.1 - depth)];
    };
    const points = new Float32Array(
      [towardCamera(0.9), towardCamera(1.001), towardCamera(1.002), [5, 0, 0], towardCamera(-1)].flat(),
    );
    expect([...visiblePoints(raster, camera, points, { tolerance: 0.0015 })]).toEqual([1, 1, 0, 0, 0]);
    const depths = projectPoints(camera, points).filter((_, i) => i % 3 === 2);
    expect(depths).toBeCloseToTensor([0.9, 1.001, 1.002, depths[3], -1], 1e-5);
  });
});
