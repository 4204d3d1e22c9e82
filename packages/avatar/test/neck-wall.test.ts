import { reportMesh } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { buildWall, standOnFloor } from '../src/index.js';

/** How often each directed edge occurs without its twin. */
function openEdges(triangles: Uint32Array): number {
  const edges = new Set<string>();
  for (let t = 0; t < triangles.length; t += 3)
    for (let k = 0; k < 3; k++) edges.add(`${triangles[t + k]} ${triangles[t + ((k + 1) % 3)]}`);
  return [...edges].filter((edge) => !edges.has(edge.split(' ').reverse().join(' '))).length;
}

it('stands an open mesh on a wall and a floor, wound as its triangles are', () => {
  // A tent of five sides whose rim is no plane, counter-clockwise seen from outside.
  const corners = [0, 1, 2, 3, 4].flatMap((i) => {
    const angle = (2 * Math.PI * i) / 5;
    return [0.1 * Math.cos(angle), -0.01 * i, -0.1 * Math.sin(angle)];
  });
  const positions = Float32Array.from([...corners, 0, 0.2, 0]);
  const tent = Uint32Array.from([0, 1, 2, 3, 4].flatMap((i) => [i, (i + 1) % 5, 5]));
  expect(openEdges(tent)).toBe(5);
  const wall = buildWall(tent, 6);
  const standing = standOnFloor(positions, wall);
  expect(openEdges(wall.triangles)).toBe(0);
  expect([...wall.triangles.subarray(0, tent.length)]).toEqual([...tent]);
  expect(standing.subarray(0, positions.length)).toEqual(positions);
  expect(standing.length).toBe(positions.length + 3 * 6);
  for (let v = 6; v < 12; v++) expect(standing[3 * v + 1]).toBeCloseTo(-0.044, 6);
  // Outward everywhere: the volume is the prism's and the tent's together.
  const volume = reportMesh({ positions: standing, indices: wall.triangles }).volume;
  const base = (5 / 2) * 0.01 * Math.sin((2 * Math.PI) / 5);
  expect(volume).toBeGreaterThan(base * (0.2 / 3 + 0.01));
  expect(volume).toBeLessThan(base * (0.2 / 3 + 0.06));
  // In order.
  for (let k = 0; k < 5; k++) expect((wall.rim[(k + 1) % 5] - wall.rim[k] + 5) % 5).toBe(1);
  expect(buildWall(wall.triangles, 12)).toEqual({ rim: new Uint32Array(0), triangles: wall.triangles });
  expect(standOnFloor(standing, buildWall(wall.triangles, 12))).toBe(standing);
});
