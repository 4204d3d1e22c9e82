import { type RecoveredCodes, recoverCodes, type SurfaceScan } from '@implicit-faces/inversion';
import type { Manifest } from '@implicit-faces/runtime';
import { createRandom } from '@implicit-faces/test-utils';
import type { UvModel } from '@implicit-faces/uv-param';
import { type FaceKit, NARROW_FACE_END } from './face-kit.js';
import { createTestSet } from './test-set.js';
import type { TriangleSurface } from './triangle-surface.js';
import { type AtlasCheck, placesAt } from './uv-metrics.js';
import { distancesBetween } from './vectors.js';

const PEOPLE = 8;
const SCANS = 3;
const POINTS = 1000;

/** Metres, place by place over all pairs of people. */
export interface TransferFigures {
  /** With codes recovered from three scans of each person, one geometry code for all three. */
  joint: Float32Array;
  /** With codes recovered from one scan of each. */
  oneScan: Float32Array;
  /** From the true target to the target's true face at rest: what an expression code that says nothing would give. */
  unmoved: Float32Array;
}

/**
 * Expression transfer between people of whom only scans are known: recovers everybody's codes, puts each one's first expression on the next one's geometry and compares with the
 * generator's face of the true codes.
 *
 * @param surface - the skin, to sample scans from; it is moved.
 */
export async function measureTransfer(
  model: { manifest: Manifest; uv: UvModel },
  kit: FaceKit,
  surface: TriangleSurface,
  check: AtlasCheck,
  seed: number,
  options: { people?: number; signal?: AbortSignal; onProgress?: (share: number) => void } = {},
): Promise<TransferFigures> {
  const { people = PEOPLE, signal, onProgress } = options;
  const random = createRandom(seed);
  const faces = createTestSet(model.manifest, kit.expressionNames, seed);
  for (let i = faces.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [faces[i], faces[j]] = [faces[j], faces[i]];
  }
  const persons = Array.from({ length: people }, (_, p) => {
    const { geometry } = faces[p];
    const expressions = Array.from({ length: SCANS }, (_, k) => faces[p + k * people].expression);
    const scans: SurfaceScan[] = expressions.map((expression) => {
      surface.move(kit.pose(geometry, expression));
      return surface.sample(kit.regions.face, POINTS, random);
    });
    return { geometry, expressions, scans };
  });
  const places = onNarrowFace(check);
  const result = {} as TransferFigures;
  let done = 0;
  for (const [key, count] of [
    ['joint', SCANS],
    ['oneScan', 1],
  ] as const) {
    const recovered: RecoveredCodes[] = [];
    for (const { scans } of persons) {
      recovered.push(await recoverCodes(model, scans.slice(0, count), { signal }));
      onProgress?.(++done / (2 * people));
    }
    const errors = await Promise.all(
      persons.map(async ({ expressions }, a) => {
        const b = (a + 1) % people;
        const truth = placesAt(places, kit.pose(persons[b].geometry, expressions[0]));
        const codes = { geometry: recovered[b].geometry, expression: recovered[a].expressions[0] };
        return distancesBetween(truth, await model.uv.surfaceFromUv(places.uv, codes));
      }),
    );
    result[key] = Float32Array.from(errors.flatMap((values) => [...values]));
  }
  const rest = new Float32Array(model.manifest.codes.expression);
  result.unmoved = Float32Array.from(
    persons.flatMap(({ expressions }, a) => {
      const { geometry } = persons[(a + 1) % people];
      return [
        ...distancesBetween(
          placesAt(places, kit.pose(geometry, expressions[0])),
          placesAt(places, kit.pose(geometry, rest)),
        ),
      ];
    }),
  );
  return result;
}

/** Those of the check's places that lie on the narrow face. */
function onNarrowFace({ triangles, weights, uv }: AtlasCheck): AtlasCheck {
  const isIn = (i: number) => triangles.subarray(3 * i, 3 * i + 3).every((vertex) => vertex < NARROW_FACE_END);
  return {
    triangles: triangles.filter((_, at) => isIn(Math.floor(at / 3))),
    weights: weights.filter((_, at) => isIn(Math.floor(at / 3))),
    uv: uv.filter((_, at) => isIn(at >> 1)),
  };
}
