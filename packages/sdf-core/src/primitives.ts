/** A point or vector: x, y, z. */
export type Vec3 = readonly [x: number, y: number, z: number];

/** The exact signed distance of `p` to a sphere around `centre`. */
export function sdSphere(p: Vec3, centre: Vec3, radius: number): number {
  return Math.hypot(p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]) - radius;
}

/** The exact signed distance of `p` to an axis-aligned box around `centre`, `half` its half extents. */
export function sdBox(p: Vec3, centre: Vec3, half: Vec3): number {
  const q = [0, 1, 2].map((k) => Math.abs(p[k] - centre[k]) - half[k]);
  return Math.hypot(...q.map((x) => Math.max(x, 0))) + Math.min(Math.max(...q), 0);
}

/** The exact signed distance of `p` to a capsule: all within `radius` of the segment from `a` to `b`. */
export function sdCapsule(p: Vec3, a: Vec3, b: Vec3, radius: number): number {
  const ab = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const ap = [p[0] - a[0], p[1] - a[1], p[2] - a[2]];
  const length2 = ab[0] ** 2 + ab[1] ** 2 + ab[2] ** 2;
  const along = length2 > 0 ? (ap[0] * ab[0] + ap[1] * ab[1] + ap[2] * ab[2]) / length2 : 0;
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(ap[0] - t * ab[0], ap[1] - t * ab[1], ap[2] - t * ab[2]) - radius;
}

/** Both shapes. Exact outside; a lower bound inside. */
export function opUnion(a: number, b: number): number {
  return Math.min(a, b);
}

/** `a` without `b`. A lower bound. */
export function opSubtraction(a: number, b: number): number {
  return Math.max(a, -b);
}

/**
 * Both shapes with a fillet where they meet: the polynomial blend, which differs from `opUnion` only where |a - b| < `blend`,
 * by at most `blend / 4`.
 *
 * @param blend - width of the fillet, in the unit of the distances.
 */
export function opSmoothUnion(a: number, b: number, blend: number): number {
  const h = Math.max(blend - Math.abs(a - b), 0) / blend;
  return Math.min(a, b) - (h * h * blend) / 4;
}
