import type { BakedField } from './baked-field.js';

/** How rays follow a baked field; the shader's constants of the same names. */
export interface TraceSettings {
  /** A ray along an outline, the jaw's above all, passes dozens of places near the surface before it is free. */
  maxSteps: number;
  /** A hit below this distance, metres. */
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
  /** Where the distance falls by less than this per metre, or grows, and there is only skin, a ray goes at least `grazeStep`, metres: a chord of a millimetre is 0.06 mm deep in what bends by 2 mm. */
  grazeSlope: number;
  grazeStep: number;
  maxStep: number;
  /** From distances below this one the line through the last two says where the surface is, and nobody asks again, metres. Where there is only skin: lids and lips lie on eyes and teeth. */
  accept: number;
  /** Only where the distance falls at least this much per metre: a ray along a slit, between lips that are hardly open, would else end on one of its walls. */
  acceptSlope: number;
  /** How far a ray goes back that begins inside, at a time, metres. */
  stepBack: number;
}

export const TRACE_SETTINGS: TraceSettings = {
  maxSteps: 64,
  tolerance: 5e-5,
  stepScale: 0.9,
  nearBand: 5e-3,
  relaxation: 1.6,
  thin: 2.5e-3,
  graze: 2e-4,
  minStep: 3e-4,
  grazeSlope: 0.15,
  grazeStep: 1e-3,
  maxStep: 0.03,
  accept: 5e-4,
  acceptSlope: 0.5,
  stepBack: 2e-3,
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
 *
 * @param near - where to begin, best just before the surface. @param entry - as far back as the ray may go should that be inside.
 */
export function traceBaked(
  field: BakedField,
  origin: readonly number[],
  direction: readonly number[],
  near: number,
  far: number,
  entry = near,
  settings: TraceSettings = TRACE_SETTINGS,
): Hit | undefined {
  let askedAt = near;
  const at = (t: number) => {
    askedAt = t;
    return field.distance(origin[0] + t * direction[0], origin[1] + t * direction[1], origin[2] + t * direction[2]);
  };
  const acceptable = () => (field.isFine() ? settings.tolerance : settings.accept);
  let t = near;
  let lastT = near;
  let lastD = Number.POSITIVE_INFINITY;
  let hit = -1;
  for (let step = 0; step < settings.maxSteps && t <= far && hit < 0; step++) {
    const d = at(t);
    const isFirst = lastD === Number.POSITIVE_INFINITY;
    if (isFirst && d < 0 && t > entry) {
      t = Math.max(t - settings.stepBack, entry);
      continue;
    }
    if (!isFirst && lastD > settings.thin && t - lastT > lastD + Math.abs(d)) {
      // The spheres around both places do not overlap: something may lie between. Back to the end of the first.
      t = lastT + lastD;
      lastD = Number.POSITIVE_INFINITY;
      continue;
    }
    const slope = (lastD - d) / (t - lastT);
    if (d < 0 && !isFirst) hit = bracket(at, lastT, lastD, t, d, acceptable(), settings.tolerance, settings.thin);
    else if (d < settings.tolerance) hit = t;
    else if (!isFirst && d < acceptable() && slope > settings.acceptSlope) hit = t + d / slope;
    else {
      let length = settings.stepScale * d;
      if (d < settings.nearBand) {
        // Before there are two distances, T's gradient says how steeply the ray comes down: D turns it but little.
        const fall = !isFirst ? slope : field.isFine() ? 1 : field.fall(direction);
        const secant = fall > 1e-3 ? d / fall : settings.relaxation * d;
        length = Math.min(Math.max(secant, d), settings.relaxation * d);
      }
      lastT = t;
      lastD = d;
      const grazes = slope < settings.grazeSlope && field.part() === 0 && !field.isFine();
      t += Math.min(Math.max(length, grazes ? settings.grazeStep : settings.minStep), settings.maxStep);
    }
  }
  // Out of steps along the surface: at an outline that is a hit, as far as one can see.
  if (hit < 0 && t <= far && lastD < settings.graze) hit = t;
  if (hit < 0) return undefined;
  const [x, y, z] = [0, 1, 2].map((k) => origin[k] + hit * direction[k]);
  const shift = direction.map((c) => (hit - askedAt) * c);
  return { t: hit, part: field.part(), normal: field.normal(x, y, z), uv: field.uv(x, y, z, shift) };
}

/** Where the distance crosses zero between a place outside and one inside: where a line through both says, kept off the ends, until it is. */
function bracket(
  at: (t: number) => number,
  a: number,
  da: number,
  b: number,
  db: number,
  accept: number,
  tolerance: number,
  thin: number,
): number {
  let t = a + ((b - a) * da) / (da - db);
  if (da < thin && db > -accept) return t;
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
