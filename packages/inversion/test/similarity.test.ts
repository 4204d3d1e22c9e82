import { createRandom } from '@implicit-faces/test-utils';
import { describe, expect, it } from 'vitest';
import { stepPose } from '../src/pose.js';
import { alignSimilarity, type Similarity } from '../src/similarity.js';

const IDENTITY = {
  rotation: new Float64Array([1, 0, 0, 0, 1, 0, 0, 0, 1]),
  translation: new Float64Array(3),
  focalLengthPx: 1,
  principalPointPx: [0, 0] as const,
};

function applySimilarity({ scale, rotation: r, translation: t }: Similarity, points: Float32Array): Float32Array {
  return points.map((_, i) => {
    const [n, row] = [i - (i % 3), 3 * (i % 3)];
    return scale * (r[row] * points[n] + r[row + 1] * points[n + 1] + r[row + 2] * points[n + 2]) + t[i % 3];
  });
}

describe.each([1, 2, 3])('alignSimilarity, seed %i', (seed) => {
  const random = createRandom(seed);
  const source = random.uniforms(3 * 30, -1, 1);
  const truth: Similarity = {
    scale: random.uniform(0.1, 5),
    rotation: stepPose(IDENTITY, [3 * random.normal(), 3 * random.normal(), 3 * random.normal(), 0, 0, 0, 0]).rotation,
    translation: Float64Array.from([random.normal(), random.normal(), random.normal()]),
  };

  it('finds the similarity that was applied', () => {
    const found = alignSimilarity(source, applySimilarity(truth, source));
    expect(found.scale).toBeCloseTo(truth.scale, 5);
    expect(found.rotation).toBeCloseToTensor(truth.rotation, 1e-5);
    expect(found.translation).toBeCloseToTensor(truth.translation, 1e-5);
  });

  it('leaves less than any similarity near by when nothing fits exactly', () => {
    const target = applySimilarity(truth, source).map((x) => x + 0.1 * random.normal());
    const rest = (s: Similarity) => applySimilarity(s, source).reduce((sum, x, i) => sum + (x - target[i]) ** 2, 0);
    const found = alignSimilarity(source, target);
    for (let trial = 0; trial < 20; trial++) {
      const nearby = {
        scale: found.scale * (1 + 0.01 * random.normal()),
        rotation: stepPose({ ...IDENTITY, rotation: found.rotation }, [
          ...[0, 0, 0].map(() => 0.01 * random.normal()),
          ...[0, 0, 0, 0],
        ]).rotation,
        translation: found.translation.map((t) => t + 0.01 * random.normal()),
      };
      expect(rest(found)).toBeLessThan(rest(nearby));
    }
  });

  it('never mirrors', () => {
    const { rotation: r } = alignSimilarity(
      source,
      source.map((v, i) => (i % 3 === 2 ? -v : v)),
    );
    const determinant =
      r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) + r[2] * (r[3] * r[7] - r[4] * r[6]);
    expect(determinant).toBeCloseTo(1, 9);
  });
});
