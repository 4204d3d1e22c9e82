import { mat4 } from 'gl-matrix';
import { expect, it } from 'vitest';
import { castRay, pickMeshes } from '../src/index.js';
import { sphereMesh } from './support/meshes.js';
import { CAMERA } from './support/scene.js';

it('meets a sphere where it is, and on its chart', () => {
  const sphere = sphereMesh('skin', { rows: 128 });
  for (const [x, y] of [
    [0, 0],
    [0.3, 0.1],
    [-0.5, -0.4],
  ]) {
    const ray = castRay(CAMERA, x, y);
    // Backward through the camera's place.
    const [t] = [(0 - ray.origin[0]) / (ray.direction[0] || 1)];
    if (x !== 0) expect(ray.origin[2] + t * ray.direction[2]).toBeCloseTo(4, 4);
    const along = ray.origin.reduce((sum, o, k) => sum + o * ray.direction[k], 0);
    const distance = -along - Math.sqrt(along * along - ray.origin.reduce((sum, o) => sum + o * o, -1));
    const hit = pickMeshes([sphere], ray)!;
    expect(hit.part).toBe('skin');
    expect(hit.distance).toBeCloseTo(distance, 3);
    const [px, py, pz] = hit.position;
    expect(hit.uv[0]).toBeCloseTo(0.5 + Math.atan2(px, pz) / (2 * Math.PI), 3);
    expect(hit.uv[1]).toBeCloseTo(Math.acos(py) / Math.PI, 3);
  }
});

it('takes the nearest, front sides only, and nothing beside or behind', () => {
  const meshes = [
    sphereMesh('far', { center: [0, 0, -2] }),
    sphereMesh('near', { center: [0, 0, 1], radius: 0.2 }),
    sphereMesh('behind', { center: [0, 0, 6] }),
  ];
  expect(pickMeshes(meshes, castRay(CAMERA, 0, 0))?.part).toBe('near');
  expect(pickMeshes(meshes, castRay(CAMERA, 0.9, 0))).toBeUndefined();
  const inside = { ...CAMERA, cameraFromWorld: Float32Array.from(mat4.create()) };
  expect(pickMeshes([sphereMesh('round', { radius: 3 })], castRay(inside, 0, 0))).toBeUndefined();
});
