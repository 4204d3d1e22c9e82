import { reportMesh } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { computePartUniforms } from '../src/bake/baked-field.js';
import { assembleProxy, buildWall, inflate, partProxies, REACHES, standOnFloor } from '../src/bake/proxy-mesh.js';
import { sphereMesh } from './support/meshes.js';
import { createToyBake } from './support/toy-bake.js';

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
  expect(buildWall(wall.triangles, 12)).toEqual({ rim: new Uint32Array(0), triangles: wall.triangles });
  expect(standOnFloor(standing, buildWall(wall.triangles, 12))).toBe(standing);
});

it('moves a mesh outward by its margins', () => {
  const { positions, indices } = sphereMesh('ball', { radius: 0.1 });
  const margins = Float32Array.from({ length: positions.length / 3 }, (_, v) => 0.001 * (1 + (v % 3)));
  const out = inflate({ positions, triangles: indices, margins });
  for (let v = 0; v < margins.length; v++) {
    const length = Math.hypot(out[3 * v], out[3 * v + 1], out[3 * v + 2]);
    // The poles' vertices belong to triangles without area.
    if (Math.abs(positions[3 * v + 1]) > 0.0999) continue;
    expect(Math.abs(length - 0.1 - margins[v])).toBeLessThan(1e-4);
  }
});

it('sorts triangles by what a ray from there may meet', async () => {
  const { fixed, bake } = await createToyBake();
  const { templateFromPosed, mouthMin, mouthMax } = computePartUniforms(fixed, bake.partTransforms);
  const places = { eyeRows: templateFromPosed, eyeRadii: fixed.eyes.map((e) => e.bulge), mouthMin, mouthMax };
  const parts = partProxies(fixed);
  const { positions, triangles, begins } = assembleProxy(bake.proxy, bake.volume, places, parts, bake.partTransforms);
  expect(begins[0]).toBe(0);
  expect(begins[3]).toBe(triangles.length);
  expect(triangles.length).toBe(
    bake.proxy.triangles.length + parts.reduce((sum, part) => sum + part.triangles.length, 0),
  );
  expect(Math.max(...triangles)).toBeLessThan(positions.length / 3);
  // Of the head's own: nothing near an eye, in front of it or in the jaw's block.
  const jaw = bake.volume.blocks[4];
  for (let i = begins[REACHES.head]; i < begins[REACHES.skin]; i++) {
    const p = positions.subarray(3 * triangles[i], 3 * triangles[i] + 3);
    expect(Math.hypot(p[0] - 0.035, p[1] - 0.035, p[2] - 0.075)).toBeGreaterThan(0.0205);
    expect(p.every((x, k) => x > jaw.origin[k] && x < jaw.origin[k] + jaw.step * (jaw.size[k] - 1))).toBe(false);
  }
  // An eyeball's proxy holds the eyeball.
  const eye = parts[0].positions;
  for (let i = 0; i < eye.length; i += 3)
    expect(Math.hypot(eye[i] - 0.035, eye[i + 1] - 0.035, eye[i + 2] - 0.075)).toBeGreaterThan(0.0205);
});
