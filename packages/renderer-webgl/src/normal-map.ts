import { cross, dot, normalise, type Vec3 } from './lighting.js';
import type { PartImage } from './types.js';

/** Relief of the skin finer than its surface: wrinkles, pores. */
export interface NormalMapOptions {
  /** On the skin's chart, linear: bytes of 255 (x + 1) / 2 of unit vectors, x along u, y up the picture (against v), z outward, which is what glTF's `normalTexture` holds; alpha is not read. Smooth without. */
  normalMap?: PartImage;
  /** Multiplies x and y: 0 is smooth. 1 when absent. */
  normalScale?: number;
}

/**
 * The normal of a surface with a normal map, in the tangent frame that the chart's own derivatives span (Schueler 2013, "Normal Mapping Without Precomputed Tangents"). Twin of the shaders'.
 *
 * @param normal - unit length, of the surface without the map.
 * @param relief - what the map says, x along u, y against v, z outward.
 * @param positionX - how the position changes from a pixel to its neighbour, metres; `positionY` likewise to another neighbour.
 * @param uvX - how UV changes between the same.
 * @returns unit length.
 */
export function perturbNormal(
  normal: Vec3,
  relief: Vec3,
  positionX: Vec3,
  positionY: Vec3,
  uvX: readonly [number, number],
  uvY: readonly [number, number],
): Vec3 {
  const across = cross(positionY, normal);
  const along = cross(normal, positionX);
  const gradient = (k: 0 | 1) => [0, 1, 2].map((i) => across[i] * uvX[k] + along[i] * uvY[k]) as unknown as Vec3;
  const [alongU, alongV] = [gradient(0), gradient(1)];
  const longest = Math.max(dot(alongU, alongU), dot(alongV, alongV), 1e-30);
  const factor = Math.sign(dot(positionX, across)) / Math.sqrt(longest);
  return normalise(
    [0, 1, 2].map(
      (i) => normal[i] * relief[2] + (alongU[i] * relief[0] - alongV[i] * relief[1]) * factor,
    ) as unknown as Vec3,
  );
}
