import { type CodeSizes, type Codes, createExpression } from '@implicit-faces/sdf-core';
import { createRandom, type Random } from '@implicit-faces/test-utils';

/** How many faces there are: each of the generator's 57 shapes alone, and mixes. */
export const TEST_SET_SIZE = 64;

/**
 * Faces that training never saw: identities N(0, 1); the first ones have one shape each at 1, the rest 3 to 6 shapes at U(0, 1), left and right alike.
 * `mouthClose` corrects `jawOpen`, so it never exceeds it.
 *
 * @param shapes - the generator's shapes; `manifest` must have them all.
 */
export function createTestSet(manifest: CodeSizes, shapes: readonly string[], seed: number): Codes[] {
  const random = createRandom(seed);
  return Array.from({ length: TEST_SET_SIZE }, (_, i) => {
    const weights = i < shapes.length ? { [shapes[i]]: 1 } : mixShapes(shapes, random);
    if (weights.mouthClose) weights.jawOpen = Math.max(weights.jawOpen ?? 0, weights.mouthClose);
    return {
      geometry: Float32Array.from({ length: manifest.codes.geometry }, () => random.normal()),
      expression: createExpression(manifest, weights),
    };
  });
}

function mixShapes(shapes: readonly string[], random: Random): Record<string, number> {
  const weights: Record<string, number> = {};
  for (let left = 3 + random.integer(4); left > 0; left--) {
    const name = shapes[random.integer(shapes.length)];
    const weight = random.uniform();
    weights[name] = weight;
    const twin = name.replace(/_([LR])$/, (_, side) => (side === 'L' ? '_R' : '_L'));
    if (shapes.includes(twin)) weights[twin] = weight;
  }
  return weights;
}
