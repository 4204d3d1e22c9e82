import type { SurfaceSamples } from './surface-samples.js';

/** What swapping left and right does to the landmarks and the codes of a head, whose plane of symmetry is x = 0. */
export interface FaceMirror {
  /** `[468, 3]` landmarks, metres -> those of the mirrored head. */
  mirrorPoints(points: ArrayLike<number>): Float32Array;
  /** `[Dg + De]` -> the codes of the mirrored head. */
  mirrorCodes(codes: ArrayLike<number>): Float64Array;
}

/** How much of what the geometry codes do to the landmarks their mirror images have to explain. */
const SYMMETRIC = 0.9;

/**
 * Finds how a model mirrors. Identities of a symmetric model are symmetric or antisymmetric, so a code keeps its value or changes its sign; expressions change sides by their names.
 *
 * @param landmarks - the 468 landmarks at zero codes, with their Jacobian.
 * @param expressionNames - `[De]`, sides at the end: `_L` and `_R`, `Left` and `Right`.
 * @returns nothing for a model that is not symmetric.
 */
export function findFaceMirror(
  { count, origin, jacobian, codeSize }: SurfaceSamples,
  expressionNames: readonly string[],
): FaceMirror | undefined {
  const twins = Int32Array.from({ length: count }, (_, n) =>
    nearestTo(-origin[3 * n], origin[3 * n + 1], origin[3 * n + 2]),
  );
  const geometry = codeSize - expressionNames.length;
  const sign = new Float64Array(codeSize).fill(1);
  let [explained, all] = [0, 0];
  for (let k = 0; k < geometry; k++) {
    let product = 0;
    for (let i = 0; i < 3 * count; i++) {
      const [n, axis] = [Math.floor(i / 3), i % 3];
      const value = jacobian[i * codeSize + k];
      product += (axis === 0 ? -1 : 1) * value * jacobian[(3 * twins[n] + axis) * codeSize + k];
      all += value * value;
    }
    sign[k] = product < 0 ? -1 : 1;
    explained += Math.abs(product);
  }
  if (!(explained >= SYMMETRIC * all)) return undefined;
  const source = Int32Array.from({ length: codeSize }, (_, k) =>
    k < geometry ? k : geometry + otherSide(expressionNames, k - geometry),
  );
  return {
    mirrorPoints: (points) =>
      Float32Array.from({ length: 3 * count }, (_, i) => {
        const value = points[3 * twins[Math.floor(i / 3)] + (i % 3)];
        return i % 3 === 0 ? -value : value;
      }),
    mirrorCodes: (codes) => sign.map((s, k) => s * codes[source[k]]),
  };

  function nearestTo(x: number, y: number, z: number): number {
    let [nearest, least] = [0, Number.POSITIVE_INFINITY];
    for (let n = 0; n < count; n++) {
      const square = (origin[3 * n] - x) ** 2 + (origin[3 * n + 1] - y) ** 2 + (origin[3 * n + 2] - z) ** 2;
      if (square < least) [nearest, least] = [n, square];
    }
    return nearest;
  }
}

const SIDES = [
  ['_L', '_R'],
  ['Left', 'Right'],
].flatMap(([left, right]) => [
  [left, right],
  [right, left],
]);

/** Where in the list the same expression of the other side is: itself where it has no side. */
function otherSide(names: readonly string[], k: number): number {
  for (const [own, other] of SIDES) {
    if (!names[k].endsWith(own)) continue;
    const twin = names.indexOf(names[k].slice(0, -own.length) + other);
    if (twin >= 0) return twin;
  }
  return k;
}
