// Sphere tracing of `distanceTo` (chunks/field.wgsl). Twin in ../../bake/trace.ts, where the constants are explained; it asks both sheets always.
override MAX_STEPS = 64;
const TOLERANCE = 5e-5;
const ACCEPT = 5e-4; // where there is only skin, see `acceptable`
const ACCEPT_SLOPE = 0.5;
const STEP_SCALE = 0.9;
const NEAR_BAND = 5e-3;
const RELAXATION = 1.6;
const THIN = 2.5e-3;
const GRAZE = 2e-4;
const MIN_STEP = 3e-4;
const GRAZE_SLOPE = 0.15;
const GRAZE_STEP = 1e-3;
const MAX_STEP = 0.03;
const STEP_BACK = 2e-3;
const STEEPEST = 1.4; // a sheet's distance falls by no more than this per metre

const MISS = -1.0;

struct Ray {
  origin: vec3f,
  direction: vec3f, // unit length
  entry: f32,       // where it enters the bounds, after `exit` if it does not
  exit: f32,
}

// The ray of a place of the viewport, avatar space. `ndc` in -1..1.
fn castRay(ndc: vec2f) -> Ray {
  let a = frame.avatarFromClip * vec4f(ndc, 0.0, 1.0);
  let b = frame.avatarFromClip * vec4f(ndc, 1.0, 1.0);
  let origin = a.xyz / a.w;
  let along = b.xyz / b.w - origin;
  let direction = normalize(along);
  let low = (field.boundsMin - origin) / direction;
  let high = (field.boundsMax - origin) / direction;
  let first = min(low, high);
  let last = max(low, high);
  let entry = max(max(first.x, first.y), max(first.z, 0.0));
  return Ray(origin, direction, entry, min(min(last.x, last.y), min(last.z, length(along))));
}

// Where `distanceTo` was last asked.
var<private> askedAt: f32;

fn distanceAlong(ray: Ray, t: f32) -> f32 {
  askedAt = t;
  return distanceTo(ray.origin + t * ray.direction);
}

// From distances below this one a line says where the surface is, and nobody asks again. Lids and lips lie on eyes and teeth: there whose surface it is has to be asked.
fn acceptable() -> f32 {
  return select(TOLERANCE, ACCEPT, nearestBlock == 0 || nearestBlock == JAW);
}

// Where the distance crosses zero between a place outside and one inside: where a line through both says, kept off the ends, until it is.
fn bracketCrossing(ray: Ray, firstA: f32, firstDa: f32, firstB: f32, firstDb: f32) -> f32 {
  var a = firstA;
  var da = firstDa;
  var b = firstB;
  var db = firstDb;
  var t = a + (b - a) * da / (da - db);
  var found = da < THIN && db > -acceptable();
  for (var i = 0; i < 9 && !found; i++) {
    // Every third time the middle: where a part begins the distance may jump.
    t = a + (b - a) * select(clamp(da / (da - db), 0.1, 0.9), 0.5, i % 3 == 2);
    let d = distanceAlong(ray, t);
    found = abs(d) < TOLERANCE;
    if (d < 0.0) {
      b = t;
      db = d;
    } else {
      a = t;
      da = d;
    }
  }
  return t;
}

// The first hit of a ray from `start`, or MISS. It may go back as far as its entry should `start` lie inside.
fn traceRay(ray: Ray, start: f32) -> f32 {
  var t = start;
  var lastT = start;
  var lastD = NONE;
  // Of the sheet that is not the nearest: how far it is at least. It is asked again only when it may matter, which halves the reads around the jaw.
  var otherBound = 0.0;
  for (var i = 0; i < MAX_STEPS && t <= ray.exit; i++) {
    onlySheet = select(-1, nearestSheet, otherBound > max(2.0 * min(lastD, NEAR_BAND), THIN));
    let d = distanceAlong(ray, t);
    if (onlySheet < 0) {
      otherBound = otherSheet;
    }
    let isFirst = lastD == NONE;
    if (isFirst && d < 0.0 && t > ray.entry) {
      t = max(t - STEP_BACK, ray.entry);
      otherBound = 0.0;
      continue;
    }
    if (lastD > THIN && !isFirst && t - lastT > lastD + abs(d)) {
      // The spheres around both places do not overlap: something may lie between. Back to the end of the first.
      t = lastT + lastD;
      lastD = NONE;
      continue;
    }
    let slope = (lastD - d) / (t - lastT);
    if (d < 0.0 && !isFirst) {
      return bracketCrossing(ray, lastT, lastD, t, d);
    }
    if (d < TOLERANCE) {
      return t;
    }
    if (!isFirst && d < acceptable() && slope > ACCEPT_SLOPE) {
      return t + d / slope;
    }
    var stepLength = STEP_SCALE * d;
    if (d < NEAR_BAND) {
      let fall = select(slope, 1.0, isFirst);
      let secant = select(RELAXATION * d, d / fall, fall > 1e-3);
      stepLength = min(max(secant, d), RELAXATION * d);
    }
    lastT = t;
    lastD = d;
    let grazes = slope < GRAZE_SLOPE && nearestPart == 0 && acceptable() == ACCEPT;
    stepLength = clamp(stepLength, select(MIN_STEP, GRAZE_STEP, grazes), MAX_STEP);
    t += stepLength;
    otherBound -= STEEPEST * stepLength;
  }
  // Out of steps along the surface: at an outline that is a hit, as far as one can see.
  return select(MISS, t, t <= ray.exit && lastD < GRAZE);
}
