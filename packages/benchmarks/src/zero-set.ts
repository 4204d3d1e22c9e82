import type { Field } from '@implicit-faces/sdf-core';
import { distancesBetween, indicesWhere, moved, normalized, rows } from './vectors.js';

/** No distance to a zero set is reported beyond this, metres: a place that is not found at all counts as this far. */
export const FARTHEST = 0.02;

/** What counts as on the zero set, metres. */
const TOLERANCE = 1e-5;
const SECANT_STEPS = 5;
const DIFFERENCE_STEP = 2e-4;
/** Places looked at on both sides where the secant fails, metres. */
const SEARCH = [0.0002, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.011, 0.015, FARTHEST];

export interface Projection {
  /** `[N, 3]`, metres, on the zero set where `found`. */
  points: Float32Array;
  /** `[N]`, metres: how far that is; `FARTHEST` where nothing was found. */
  distances: Float32Array;
  /** `[N]` */
  found: Uint8Array;
}

/** Gradients by differences to the corners of a tetrahedron, for fields without a derivative of their own. `[N, 3]` -> `[N, 3]` */
export async function differenceGradients(field: Field, points: Float32Array): Promise<Float32Array> {
  const corners = [
    [1, 1, 1],
    [1, -1, -1],
    [-1, 1, -1],
    [-1, -1, 1],
  ];
  const gradients = new Float32Array(points.length);
  for (const corner of corners) {
    const values = await field(points.map((x, i) => x + DIFFERENCE_STEP * corner[i % 3]));
    for (let i = 0; i < points.length; i++)
      gradients[i] += (values[(i / 3) | 0] * corner[i % 3]) / (4 * DIFFERENCE_STEP);
  }
  return gradients;
}

/**
 * The zero set near points: secant steps along the field's gradient; where they fail, or end far away, the nearest change of sign on that line,
 * either way. The distance along a line is never less than the true one.
 */
export async function projectToZeroSet(field: Field, points: Float32Array): Promise<Projection> {
  const count = points.length / 3;
  const start = await field(points);
  const gradients = await differenceGradients(field, points);
  const directions = normalized(gradients);
  const slope = (i: number) => Math.max(Math.hypot(gradients[3 * i], gradients[3 * i + 1], gradients[3 * i + 2]), 0.2);

  // On each line: place and value before, place and value now.
  const s0 = new Float32Array(count);
  const d0 = start.slice();
  const s1 = start.map((d, i) => clamp(-d / slope(i)));
  const d1 = start.slice();
  let open = indicesWhere(count, (i) => Math.abs(start[i]) >= TOLERANCE);
  for (let step = 0; step < SECANT_STEPS && open.length > 0; step++) {
    const values = await field(moved(rows(points, open), rows(directions, open), rows(s1, open, 1)));
    open.forEach((i, k) => {
      d1[i] = values[k];
    });
    open = open.filter((i) => Math.abs(d1[i]) >= TOLERANCE);
    if (step === SECANT_STEPS - 1) break;
    for (const i of open) {
      const secant = s1[i] - (d1[i] * (s1[i] - s0[i])) / (d1[i] - d0[i]);
      s0[i] = s1[i];
      d0[i] = d1[i];
      s1[i] = Number.isFinite(secant) ? clamp(secant) : s1[i] / 2;
    }
  }

  const found = new Uint8Array(count).fill(1);
  for (const i of open) found[i] = 0;
  // A secant may also run to a farther crossing: look at what is nearer there, too.
  const doubtful = indicesWhere(count, (i) => !found[i] || Math.abs(s1[i]) > 0.003);
  if (doubtful.length > 0) {
    const reached = doubtful.map((i) => found[i]);
    const best = Float32Array.from(doubtful, (i, k) => (reached[k] ? s1[i] : Number.POSITIVE_INFINITY));
    for (const side of [1, -1]) {
      let before = rows(start, doubtful, 1);
      let from = 0;
      for (const to of SEARCH) {
        const values = await field(moved(rows(points, doubtful), rows(directions, doubtful), side * to));
        for (let k = 0; k < doubtful.length; k++) {
          if (Math.sign(values[k]) === Math.sign(before[k])) continue;
          const crossing = from + ((to - from) * before[k]) / (before[k] - values[k]);
          // Interpolation is coarser than the secant, so it has to be nearer by more than its own error.
          if (crossing < Math.abs(best[k]) - 0.0005) best[k] = side * crossing;
        }
        before = values;
        from = to;
      }
    }
    doubtful.forEach((i, k) => {
      found[i] = Number.isFinite(best[k]) ? 1 : 0;
      s1[i] = found[i] ? best[k] : 0;
    });
  }
  const onZeroSet = moved(points, directions, s1);
  const distances = distancesBetween(points, onZeroSet).map((distance, i) =>
    found[i] ? Math.min(distance, FARTHEST) : FARTHEST,
  );
  return { points: onZeroSet, distances, found };
}

function clamp(s: number): number {
  return Math.min(Math.max(s, -FARTHEST), FARTHEST);
}
