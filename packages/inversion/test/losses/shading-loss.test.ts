import { computeNormals, sphericalHarmonics } from '@implicit-faces/avatar';
import { createRandom, type Random } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { addShadingLoss } from '../../src/losses/shading-loss.js';
import { createNormalEquations } from '../../src/normal-equations.js';
import { fillNormalRows, vertexRings } from '../../src/normal-rows.js';
import { lookUp } from '../../src/photo.js';
import { POSE_PARAMETERS } from '../../src/pose.js';
import { harmonicTransfer, lightByNormal, predictLight } from '../../src/stages/appearance.js';
import { takeSamples } from '../../src/stages/optimise.js';
import { posePoints, type SurfaceSamples } from '../../src/surface-samples.js';
import { expectGaussNewton } from '../helpers/expect-gauss-newton.js';
import { differentiate, pixelOf, somePhoto, somePose } from '../helpers/scenes.js';

const SIDE = 5;
const CODES = 4;

/** A bumpy sheet of 6 cm that faces the camera, which codes bend. */
function sheet(random: Random) {
  const origin = random.uniforms(3 * SIDE * SIDE, -0.003, 0.003);
  const triangles: number[] = [];
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const v = y * SIDE + x;
      origin[3 * v] += 0.015 * (x - 2);
      origin[3 * v + 1] += 0.015 * (y - 2);
      if (x < SIDE - 1 && y < SIDE - 1) triangles.push(v, v + 1, v + SIDE, v + 1, v + SIDE + 1, v + SIDE);
    }
  }
  const count = SIDE * SIDE;
  const jacobian = random.uniforms(3 * count * CODES, -0.002, 0.002);
  const vertices: SurfaceSamples = { count, uv: random.uniforms(2 * count), origin, jacobian, codeSize: CODES };
  return { vertices, triangles: Uint32Array.from(triangles) };
}

/** What `computeNormals` gives a vertex, in double precision, once codes have moved by `step`. */
function normalOf(
  vertices: SurfaceSamples,
  triangles: Uint32Array,
  codes: Float64Array,
  vertex: number,
  step: Float64Array,
) {
  const place = (v: number) =>
    [0, 1, 2].map((axis) => {
      let sum = vertices.origin[3 * v + axis];
      for (let k = 0; k < CODES; k++) sum += vertices.jacobian[(3 * v + axis) * CODES + k] * (codes[k] + step[k]);
      return sum;
    });
  const normal = [0, 0, 0];
  for (let t = 0; t < triangles.length; t += 3) {
    const at = [...triangles.subarray(t, t + 3)].indexOf(vertex);
    if (at < 0) continue;
    const [p, q, r] = [0, 1, 2].map((k) => place(triangles[t + ((at + k) % 3)]));
    const [a, b] = [q, r].map((end) => end.map((x, i) => x - p[i]));
    const product = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    const area = Math.hypot(...product);
    const angle = Math.acos((a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / Math.hypot(...a) / Math.hypot(...b));
    product.forEach((x, i) => (normal[i] += (angle * x) / area));
  }
  const length = Math.hypot(...normal);
  return normal.map((x) => x / length);
}

describe.each([1, 2, 3])('shading by codes, seed %i', (seed) => {
  const random = createRandom(seed);
  const { vertices, triangles } = sheet(random);
  const codes = Float64Array.from(random.uniforms(CODES, -1, 1));
  const mesh = posePoints(vertices, codes);
  // Corners, rims and the inside of the sheet.
  const index = Int32Array.from([0, 7, 12, 14, 18, 24, 3]);
  const count = index.length;
  const rings = vertexRings(triangles, index);
  const allNormals = computeNormals(mesh, triangles);
  const normals = Float32Array.from([...index].flatMap((v) => [...allNormals.subarray(3 * v, 3 * v + 3)]));

  it('normals turn as finite differences of them do', () => {
    for (let n = 0; n < count; n++) {
      const rows = [0, 1, 2].map(() => new Float64Array(CODES));
      fillNormalRows(rows, rings, n, mesh, vertices);
      expect(normalOf(vertices, triangles, codes, index[n], new Float64Array(CODES))).toBeCloseToTensor(
        normals.subarray(3 * n, 3 * n + 3),
        { absolute: 1e-5 },
      );
      for (let i = 0; i < 3; i++) {
        const expected = differentiate((step) => normalOf(vertices, triangles, codes, index[n], step)[i], CODES);
        expect(rows[i]).toBeCloseToTensor(expected, { absolute: 1e-5, relative: 1e-4 });
      }
    }
  });

  const samples = takeSamples(vertices, index);
  const pose = somePose(random);
  const photo = somePhoto(random, -2);
  const lighting = Float64Array.from(random.uniforms(27, -0.2, 0.2));
  lighting.fill(3, 0, 3);
  const occlusion = random.uniforms(9 * count, 0, 0.03);
  const mirrored = random.uniforms(9 * count, 0, 0.02);
  const density = { mean: random.uniforms(3 * count, 0.5, 1.5), basis: new Float32Array(), codeSize: 0 };
  const trust = random.uniforms(count).map((t) => (t < 0.2 ? 0 : t));
  const predict = (n: number, normal: readonly number[]) => {
    const y = sphericalHarmonics(normal[0], normal[1], normal[2], new Float64Array(9));
    const out = new Float64Array(3);
    for (let c = 0; c < 3; c++) {
      let [light, sheen] = [0, 0];
      for (let k = 0; k < 9; k++) {
        light += lighting[3 * k + c] * (y[k] - occlusion[9 * n + k]);
        sheen += lighting[3 * k + c] * mirrored[9 * n + k];
      }
      out[c] = Math.log(Math.exp(-density.mean[3 * n + c]) * light + Math.max(0, sheen) + 0.012);
    }
    return out;
  };
  const add = (weights: Float32Array) => {
    const transfer = harmonicTransfer(normals, occlusion);
    const { predicted, ...parts } = predictLight(
      { density, transfer, mirrored },
      { texture: new Float64Array(), lighting },
    );
    const byNormal = lightByNormal(normals, parts, lighting);
    const positions = posePoints(samples, codes);
    const equations = createNormalEquations(CODES + POSE_PARAMETERS);
    addShadingLoss(
      equations,
      { samples, vertices, rings, mesh, positions, predicted, byNormal, trust: weights },
      pose,
      photo,
      2.5,
    );
    return equations;
  };

  it('adds the Gauss-Newton equations of the three channels', () => {
    const error = (n: number, c: number, step: Float64Array) => {
      const { x, y } = pixelOf(samples, codes, pose, n, step);
      const values = new Float64Array(3);
      lookUp(photo, (x - photo.left) * photo.scale, (y - photo.top) * photo.scale, values);
      return values[c] - predict(n, normalOf(vertices, triangles, codes, index[n], step))[c];
    };
    expectGaussNewton(
      add(trust),
      Array.from({ length: 3 * count }, (_, i) => {
        const [n, c] = [Math.floor(i / 3), i % 3];
        return {
          residual: (step: Float64Array) => error(n, c, step),
          weight: 2.5 * trust[n],
        };
      }),
    );
  });

  it('is silent where nothing is trusted', () => {
    expect(add(new Float32Array(count))).toEqual(createNormalEquations(CODES + POSE_PARAMETERS));
  });
});
