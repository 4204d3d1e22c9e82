import type { BakedField } from './baked-field.js';

/** How rays follow a baked field; the shader's constants of the same names. */
export interface TraceSettings {
  maxSteps: number;
  /** Hit below this share of the distance along the ray, and below `tolerance` metres in any case. */
  tolerance: number;
  /** Share of the distance to step by while it is above `nearBand`, where it is only roughly known. */
  stepScale: number;
  /** Metres. */
  nearBand: number;
  /** Nearer, steps may go this much farther than the distance, */
  relaxation: number;
  /** from distances above this one only where the spheres of both ends overlap (Keinert et al. 2014); below, nothing so thin could be jumped over. Metres. */
  thin: number;
  /** Where steps run out, a hit below this distance, metres. */
  graze: number;
  minStep: number;
  maxStep: number;
  /** Arm of the differences that make a normal, metres. Graphics cards filter by fractions of 1/256: shorter arms show that as stripes. */
  normalStep: number;
}

export const TRACE_SETTINGS: TraceSettings = {
  maxSteps: 40,
  tolerance: 1e-4,
  stepScale: 0.9,
  nearBand: 5e-3,
  relaxation: 1.6,
  thin: 2.5e-3,
  graze: 2e-4,
  minStep: 3e-4,
  maxStep: 0.03,
  normalStep: 1e-3,
};

export interface Hit {
  t: number;
  part: number;
  normal: [number, number, number];
  uv: [number, number];
}

/**
 * Follows one ray. Twin of shaders/chunks/trace.glsl.
 *
 * Near the surface a step is what the last two distances say is left (a secant on the ray), from the distance itself up to `relaxation` times it; where a step
 * went through the surface, the crossing is bracketed.
 */
export function traceBaked(
  field: BakedField,
  origin: readonly number[],
  direction: readonly number[],
  near: number,
  far: number,
  settings: TraceSettings = TRACE_SETTINGS,
): Hit | undefined {
  const at = (t: number) =>
    field.distance(origin[0] + t * direction[0], origin[1] + t * direction[1], origin[2] + t * direction[2]);
  let t = near;
  let lastT = near;
  let lastD = Number.POSITIVE_INFINITY;
  let hit = false;
  for (let step = 0; step < settings.maxSteps && t <= far; step++) {
    const d = at(t);
    if (lastD > settings.thin && t - lastT > lastD + Math.abs(d)) {
      // The spheres around both places do not overlap: something may lie between. Back to the end of the first.
      t = lastT + lastD;
      lastD = Number.POSITIVE_INFINITY;
      continue;
    }
    if (d < settings.tolerance) {
      if (d < 0 && lastD < Number.POSITIVE_INFINITY) t = bracket(at, lastT, lastD, t, d, settings.tolerance);
      hit = true;
      break;
    }
    let length = settings.stepScale * d;
    if (d < settings.nearBand) {
      const slope = (lastD - d) / (t - lastT);
      const secant = slope > 1e-3 ? d / slope : settings.relaxation * d;
      length = Math.min(Math.max(secant, d), settings.relaxation * d);
    }
    lastT = t;
    lastD = d;
    t += Math.min(Math.max(length, settings.minStep), settings.maxStep);
  }
  // Out of steps along the surface: at an outline that is a hit, as far as one can see.
  hit ||= t <= far && lastD < settings.graze;
  if (!hit) return undefined;
  const p = [0, 1, 2].map((k) => origin[k] + t * direction[k]);
  const h = settings.normalStep;
  const normal: [number, number, number] = [0, 0, 0];
  for (const [sx, sy, sz] of [
    [1, -1, -1],
    [-1, -1, 1],
    [-1, 1, -1],
    [1, 1, 1],
  ]) {
    const d = field.distance(p[0] + sx * h, p[1] + sy * h, p[2] + sz * h);
    normal[0] += sx * d;
    normal[1] += sy * d;
    normal[2] += sz * d;
  }
  const length = Math.hypot(...normal) || 1;
  field.distance(p[0], p[1], p[2]);
  return {
    t,
    part: field.part(),
    normal: [normal[0] / length, normal[1] / length, normal[2] / length],
    uv: field.uv(p[0], p[1], p[2]),
  };
}

/** Where the distance crosses zero between a place outside and one inside: where a line through both says, kept off the ends, until it is. */
function bracket(at: (t: number) => number, a: number, da: number, b: number, db: number, tolerance: number): number {
  let t = b;
  for (let i = 0; i < 9; i++) {
    // Every third time the middle: where a part begins the distance may jump.
    const share = i % 3 === 2 ? 0.5 : Math.min(Math.max(da / (da - db), 0.1), 0.9);
    t = a + (b - a) * share;
    const d = at(t);
    if (Math.abs(d) < tolerance) break;
    if (d < 0) {
      b = t;
      db = d;
    } else {
      a = t;
      da = d;
    }
  }
  return t;
}
