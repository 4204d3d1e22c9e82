import { mergeOptions } from '@implicit-faces/runtime';
import { checkFinite, checkRows } from './check.js';
import { FaceError } from './errors.js';
import type { Box, Field } from './field.js';

/** Rays: points `origin + t * direction`, t >= 0. */
export interface Rays {
  /** `[N, 3]`, metres. */
  origins: Float32Array;
  /** `[N, 3]` unit vectors. */
  directions: Float32Array;
}

export interface SphereTraceOptions {
  /** Evaluations per ray before it is given up, the bisection not counted. */
  maxSteps?: number;
  /** A ray has hit where |distance| is below this, metres. */
  tolerance?: number;
  /**
   * Share of the distance to step by. A field whose slope may reach L needs at most 1 / L. See `SPHERE_TRACE_DEFAULTS` for how the
   * default was found.
   */
  stepScale?: number;
  /** Bounds on one step, metres: the least keeps grazing rays moving, the most keeps thin parts from being jumped over far from the field's own knowledge. */
  minStep?: number;
  maxStep?: number;
  /** Rays end here, metres. */
  maxDistance?: number;
  /** Rays live only inside this box, for example the manifest's `bounds`. */
  bounds?: Box;
  signal?: AbortSignal;
  /** Called after each step of all rays with the share of them that is finished, 0 to 1. */
  onProgress?: (share: number) => void;
}

/** Measured on the shipped network: see the table in this package's README. Few rays need many steps, those that skim along the head before they meet its other side. */
export const SPHERE_TRACE_DEFAULTS = {
  maxSteps: 512,
  tolerance: 2e-5,
  stepScale: 0.85,
  minStep: 1e-4,
  maxStep: 0.03,
  maxDistance: Number.POSITIVE_INFINITY,
};

export interface SphereTraceResult {
  /** `[N]`, metres from the origin; Infinity where nothing was hit. */
  t: Float32Array;
  /** `[N]`, 1 where the ray hit the zero set or began inside of it. */
  hit: Uint8Array;
  /** `[N, 3]`, metres: the hit, or where the ray was given up. */
  positions: Float32Array;
  /** `[N]` evaluations spent on each ray. */
  steps: Uint16Array;
  /**
   * `[N]`, 1 where a step went through the surface and bisection had to go back: the field said more than the true distance there.
   * A step through a whole thin part leaves no trace, so many of these mean that `stepScale` is too large.
   */
  overshot: Uint8Array;
  /** `[N]`, 1 where `maxSteps` ran out before the ray hit or left. */
  exhausted: Uint8Array;
}

const BISECTIONS = 40;

/**
 * Follows rays to the zero set of a field by steps of about the distance (Hart 1996), all rays in one batch per step, finished ones
 * left out. Written for fields that are only nearly distances: where a step has gone through the surface the crossing is bracketed
 * and found by bisection with a secant guess, so a hit is on the zero set in any case.
 *
 * @throws FaceError `SHAPE` for rays of the wrong length, `RANGE` for numbers or options that make no sense. An abort rejects with the
 * signal's reason.
 * @example const { t, hit, positions } = await sphereTrace(modelField(model, codes), rays, { bounds: manifest.bounds });
 */
export async function sphereTrace(
  field: Field,
  rays: Rays,
  options: SphereTraceOptions = {},
): Promise<SphereTraceResult> {
  const settings = { ...mergeOptions(SPHERE_TRACE_DEFAULTS, options), bounds: options.bounds };
  checkInput(rays, settings);
  const { origins, directions } = rays;
  const { tolerance, stepScale, minStep, maxStep, maxSteps } = settings;
  const total = origins.length / 3;
  const result: SphereTraceResult = {
    t: new Float32Array(total).fill(Number.POSITIVE_INFINITY),
    hit: new Uint8Array(total),
    positions: origins.slice(),
    steps: new Uint16Array(total),
    overshot: new Uint8Array(total),
    exhausted: new Uint8Array(total),
  };

  // Per ray: where it is, where it ends, and the last place outside with its distance. After a crossing [outside, inside] brackets it.
  const t = new Float64Array(total);
  const end = new Float64Array(total);
  const outsideT = new Float64Array(total);
  const outsideD = new Float64Array(total);
  const insideT = new Float64Array(total);
  const insideD = new Float64Array(total);
  const bisections = new Uint8Array(total);
  let active = new Uint32Array(total);
  let count = 0;
  for (let ray = 0; ray < total; ray++) {
    const [near, far] = interval(rays, ray, settings);
    t[ray] = near;
    end[ray] = far;
    if (near <= far) active[count++] = ray;
    else result.positions.set(origins.subarray(3 * ray, 3 * ray + 3), 3 * ray);
  }

  const place = (ray: number, target: Float32Array, at: number) => {
    for (let k = 0; k < 3; k++) target[3 * at + k] = origins[3 * ray + k] + t[ray] * directions[3 * ray + k];
  };

  while (count > 0) {
    options.signal?.throwIfAborted();
    const points = new Float32Array(3 * count);
    for (let i = 0; i < count; i++) place(active[i], points, i);
    const distances = await field(points);
    let left = 0;
    for (let i = 0; i < count; i++) {
      const ray = active[i];
      const d = distances[i];
      const first = result.steps[ray]++ === 0;
      if (advance(ray, d, first)) active[left++] = ray;
      else place(ray, result.positions, ray);
    }
    count = left;
    active = active.subarray(0, count);
    options.onProgress?.(1 - count / total);
  }
  return result;

  /** Moves one ray on by the distance found where it is. @returns whether it goes on. */
  function advance(ray: number, d: number, first: boolean): boolean {
    const bracketed = bisections[ray] > 0;
    if (Math.abs(d) < tolerance || (first && d < 0) || (bracketed && bisections[ray] >= BISECTIONS)) {
      result.hit[ray] = 1;
      result.t[ray] = t[ray];
      return false;
    }
    if (d < 0) {
      insideT[ray] = t[ray];
      insideD[ray] = d;
    } else {
      outsideT[ray] = t[ray];
      outsideD[ray] = d;
    }
    if (d < 0 || bracketed) {
      // Going through by the least step is no fault of the field.
      if (!bracketed && stepScale * outsideD[ray] > minStep) result.overshot[ray] = 1;
      bisections[ray]++;
      // The secant's guess, kept off the ends; every third time the middle, which bounds the number of steps.
      const share = bisections[ray] % 3 === 0 ? 0.5 : outsideD[ray] / (outsideD[ray] - insideD[ray]);
      t[ray] = outsideT[ray] + (insideT[ray] - outsideT[ray]) * Math.min(Math.max(share, 0.05), 0.95);
      return true;
    }
    if (result.steps[ray] >= maxSteps) {
      result.exhausted[ray] = 1;
      return false;
    }
    t[ray] += Math.min(Math.max(stepScale * d, minStep), maxStep);
    return t[ray] <= end[ray];
  }
}

/** Where a ray enters and leaves what it may see; entry after exit when it never does. */
function interval(
  rays: Rays,
  ray: number,
  { bounds, maxDistance }: { bounds?: Box; maxDistance: number },
): [number, number] {
  let near = 0;
  let far = maxDistance;
  if (bounds) {
    for (let k = 0; k < 3; k++) {
      const origin = rays.origins[3 * ray + k];
      const direction = rays.directions[3 * ray + k];
      if (direction === 0) {
        if (origin < bounds.min[k] || origin > bounds.max[k]) return [1, 0];
        continue;
      }
      const a = (bounds.min[k] - origin) / direction;
      const b = (bounds.max[k] - origin) / direction;
      near = Math.max(near, Math.min(a, b));
      far = Math.min(far, Math.max(a, b));
    }
  }
  return [near, far];
}

function checkInput({ origins, directions }: Rays, settings: typeof SPHERE_TRACE_DEFAULTS & { bounds?: Box }): void {
  const who = 'sphereTrace';
  checkRows(who, 'rays.origins', origins, 3);
  checkRows(who, 'rays.directions', directions, 3);
  if (origins.length !== directions.length) {
    throw new FaceError(
      'SHAPE',
      `${who}: rays.directions should be as many as rays.origins; received ${directions.length / 3} and ${origins.length / 3}.`,
    );
  }
  checkFinite(who, 'rays.origins', origins);
  checkFinite(who, 'rays.directions', directions);
  for (let i = 0; i < directions.length; i += 3) {
    const length = Math.hypot(directions[i], directions[i + 1], directions[i + 2]);
    if (Math.abs(length - 1) > 1e-3) {
      throw new FaceError(
        'RANGE',
        `${who}: rays.directions should be unit vectors; ray ${i / 3} has length ${length}. Normalise it.`,
      );
    }
  }
  for (const key of ['maxSteps', 'tolerance', 'stepScale', 'minStep', 'maxStep'] as const) {
    if (!(settings[key] > 0))
      throw new FaceError('RANGE', `${who}: ${key} should be above 0; received ${settings[key]}.`);
  }
  if (settings.maxSteps > 65000)
    throw new FaceError('RANGE', `${who}: maxSteps should be at most 65000; received ${settings.maxSteps}.`);
  if (!settings.bounds && settings.maxDistance === Number.POSITIVE_INFINITY) {
    throw new FaceError('RANGE', `${who}: rays need an end. Give bounds or maxDistance.`);
  }
}
