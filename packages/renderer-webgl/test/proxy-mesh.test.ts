import { expect, it } from 'vitest';
import { computePartUniforms } from '../src/bake/baked-field.js';
import { coveredRectangle } from '../src/bake/field-uniforms.js';
import { assembleProxy, inflate, partProxies, REACHES } from '../src/bake/proxy-mesh.js';
import { sphereMesh } from './support/meshes.js';
import { createToyBake } from './support/toy-bake.js';

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

it('gives the parts proxies whose triangles face outward, since those that face away are not drawn', async () => {
  const { fixed } = await createToyBake();
  for (const { positions, triangles } of partProxies(fixed)) {
    const corner = (i: number) => positions.subarray(3 * triangles[i], 3 * triangles[i] + 3);
    const middle = [0, 1, 2].map((k) => {
      const along = positions.filter((_, i) => i % 3 === k);
      return (Math.min(...along) + Math.max(...along)) / 2;
    });
    for (let i = 0; i < triangles.length; i += 3) {
      const [a, b, c] = [corner(i), corner(i + 1), corner(i + 2)];
      const [u, v] = [b.map((x, k) => x - a[k]), c.map((x, k) => x - a[k])];
      const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      // At an eyeball's poles some have no area.
      if (Math.hypot(...normal) < 1e-12) continue;
      expect(normal.reduce((sum, n, k) => sum + n * (a[k] - middle[k]), 0)).toBeGreaterThan(0);
    }
  }
});

it('finds the rectangle of pixels that bounds cover', () => {
  const bounds = { min: Float32Array.of(-0.1, -0.15, -0.1), max: Float32Array.of(0.1, 0.12, 0.14) };
  const size = [200, 120] as const;
  // A perspective camera at z = 0.6 that looks toward -z, column-major.
  const focal = 2.4;
  const clipFromAvatar = [focal, 0, 0, 0, 0, focal, 0, 0, 0, 0, -1.1, -1, 0, 0, 0.5, 0.6];
  const [x, y, width, height] = coveredRectangle(clipFromAvatar, bounds, size, 4);
  expect(x % 4).toBe(0);
  expect(y % 4).toBe(0);
  // The nearest side covers most.
  const pixel = (place: number, k: 0 | 1) => size[k] * (0.5 + (0.5 * focal * place) / (0.6 - 0.14));
  expect(x).toBe(4 * Math.floor(pixel(-0.1, 0) / 4));
  expect(x + width).toBe(Math.ceil(pixel(0.1, 0)));
  expect(y).toBe(4 * Math.floor(pixel(-0.15, 1) / 4));
  expect(y + height).toBe(Math.ceil(pixel(0.12, 1)));
  // To one side of the picture: nothing of it. With the eye inside: all.
  const changed = (at: number, value: number) => clipFromAvatar.map((c, i) => (i === at ? value : c));
  expect(coveredRectangle(changed(12, 9), bounds, size, 4)[2]).toBe(0);
  expect(coveredRectangle(changed(15, 0.1), bounds, size, 4)).toEqual([0, 0, 200, 120]);
});
