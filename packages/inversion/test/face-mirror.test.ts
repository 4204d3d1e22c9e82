import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { findFaceMirror } from '../src/face-mirror.js';
import { posePoints, type SurfaceSamples } from '../src/surface-samples.js';

const PAIRS = 40;
const NAMES = ['jawOpen', 'eyeBlink_L', 'eyeBlink_R', 'mouthRight', 'mouthLeft', 'pucker_L'];
const GEOMETRY = 5;

/** Points in pairs and some in the middle, with geometry codes of the given symmetry (1 symmetric, -1 antisymmetric, 0 neither) and expressions that are sided by their names. */
function head(symmetry: readonly number[], seed: number): SurfaceSamples {
  const random = createRandom(seed);
  const codeSize = GEOMETRY + NAMES.length;
  const count = 2 * PAIRS + 3;
  const twin = (n: number) => (n >= 2 * PAIRS ? n : n ^ 1);
  const noise = () => Float32Array.from({ length: 3 * count }, () => random.normal());
  const mirrored = (v: Float32Array) => v.map((_, i) => (i % 3 ? 1 : -1) * v[3 * twin(Math.floor(i / 3)) + (i % 3)]);
  const mixed = (v: Float32Array, s: number) => v.map((x, i) => (x + s * mirrored(v)[i]) / 2);
  const columns = symmetry.map((s) => mixed(noise(), s));
  columns.push(mixed(noise(), 1));
  for (let k = 0; k < 2; k++) {
    const one = noise();
    columns.push(one, mirrored(one));
  }
  columns.push(mixed(noise(), 1));
  const jacobian = new Float32Array(3 * count * codeSize);
  columns.forEach((column, k) =>
    column.forEach((value, i) => {
      jacobian[i * codeSize + k] = value;
    }),
  );
  return { count, uv: new Float32Array(2 * count), origin: mixed(noise(), 1), jacobian, codeSize };
}

describe('findFaceMirror', () => {
  it('mirrors codes as it mirrors points', () => {
    const samples = head([1, -1, -1, 1, -1], 1);
    const mirror = findFaceMirror(samples, NAMES)!;
    const random = createRandom(2);
    const codes = Float64Array.from({ length: samples.codeSize }, () => random.normal());
    const mirrored = mirror.mirrorCodes(codes);
    expect(posePoints(samples, mirrored)).toBeCloseToTensor(mirror.mirrorPoints(posePoints(samples, codes)), 1e-5);
    expect(mirrored).not.toEqual(codes);
    expect(mirror.mirrorCodes(mirrored)).toEqual(codes);
  });

  it('finds none where geometry codes have no symmetry', () => {
    expect(findFaceMirror(head([1, 0, 0, 0, 0], 3), NAMES)).toBeUndefined();
  });
});
