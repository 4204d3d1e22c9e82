// Sphere tracing of `distanceTo` (chunks/field.glsl). Twin in ../../bake/trace.ts, where the constants are explained; it asks both sheets always.
#ifndef MAX_STEPS
#define MAX_STEPS 64
#endif
const float TOLERANCE = 5e-5;
const float ACCEPT = 5e-4; // where there is only skin, see `acceptable`
#ifdef ONLY_HEAD
const float ACCEPT_SLOPE = 0.4; // no slits there
#else
const float ACCEPT_SLOPE = 0.5;
#endif
const float STEP_SCALE = 0.9;
const float NEAR_BAND = 5e-3;
const float RELAXATION = 1.6;
const float THIN = 2.5e-3;
const float GRAZE = 2e-4;
const float MIN_STEP = 3e-4;
const float GRAZE_SLOPE = 0.15;
const float GRAZE_STEP = 1e-3;
const float MAX_STEP = 0.03;
const float STEP_BACK = 2e-3;
const float STEEPEST = 1.4; // a sheet's distance falls by no more than this per metre

// Where `distanceTo` was last asked, and where nearest to the eye.
float askedAt;
float askedFrom;

float distanceAlong(vec3 origin, vec3 direction, float t) {
  askedAt = t;
  return distanceTo(origin + t * direction);
}

// From distances below this one a line says where the surface is, and nobody asks again. Lids and lips lie on eyes and teeth: there whose surface it is has to be asked.
float acceptable() {
#ifdef ONLY_SKIN
  return ACCEPT;
#endif
  return nearestBlock == 0 || nearestBlock == JAW ? ACCEPT : TOLERANCE;
}

#ifndef ONLY_SKIN
// Where the distance crosses zero between a place outside and one inside: where a line through both says, kept off the ends, until it is.
float bracketCrossing(vec3 origin, vec3 direction, float a, float da, float b, float db) {
  float t = a + (b - a) * da / (da - db);
  bool found = da < THIN && db > -acceptable();
  for (int i = 0; i < 9 && !found; i++) {
    // Every third time the middle: where a part begins the distance may jump.
    t = a + (b - a) * (i % 3 == 2 ? 0.5 : clamp(da / (da - db), 0.1, 0.9));
    float d = distanceAlong(origin, direction, t);
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
#endif

// What `traceRay` gives where nothing is hit.
const float MISS = -1.0;

// The first hit of a ray from `near` to `far`, or MISS. `entry`: where the ray entered the bounds, as far back as it may go should `near` lie inside.
float traceRay(vec3 origin, vec3 direction, float entry, float near, float far) {
  float t = near;
  askedFrom = near;
  float lastT = near;
  float lastD = NONE;
  // Of the sheet that is not the nearest: how far it is at least. It is asked again only when it may matter, which halves the reads around the jaw.
  float otherBound = 0.0;
  float crossingD = 0.0;
  for (int i = 0; i < MAX_STEPS && t <= far; i++) {
#ifndef ONLY_SKIN
    onlySheet = otherBound > max(2.0 * min(lastD, NEAR_BAND), THIN) ? nearestSheet : -1;
#endif
    float d = distanceAlong(origin, direction, t);
    if (onlySheet < 0) otherBound = otherSheet;
    bool isFirst = lastD == NONE;
    if (isFirst && d < 0.0 && t > entry) {
      t = max(t - STEP_BACK, entry);
      askedFrom = t;
      otherBound = 0.0;
      continue;
    }
    if (lastD > THIN && !isFirst && t - lastT > lastD + abs(d)) {
      t = lastT + lastD;
      lastD = NONE;
      continue;
    }
    float slope = (lastD - d) / (t - lastT);
    if (d < 0.0 && !isFirst) {
#ifdef ONLY_SKIN
      float crossing = lastT + (t - lastT) * lastD / (lastD - d);
      if (d > -ACCEPT && lastD < THIN) return crossing;
      t = crossing;
      continue;
#else
      // Not in here: software rasterisers walk through all of a loop's body, whether a pixel asks for it or not.
      crossingD = d;
      break;
#endif
    }
    if (d < TOLERANCE) return t;
    if (!isFirst && d < acceptable() && slope > ACCEPT_SLOPE) return t + d / slope;
    float stepLength = STEP_SCALE * d;
    if (d < NEAR_BAND) {
      // Before there are two distances, T's gradient says how steeply the ray comes down: D turns it but little. Not where other things than skin may be close.
#ifdef ONLY_SKIN
      if (isFirst) slope = -dot(nearestGradient, direction);
#else
      if (isFirst) slope = 1.0;
#endif
      float secant = slope > 1e-3 ? d / slope : RELAXATION * d;
      stepLength = min(max(secant, d), RELAXATION * d);
    }
    lastT = t;
    lastD = d;
    bool grazes = slope < GRAZE_SLOPE && nearestPart == 0 && acceptable() == ACCEPT;
    stepLength = clamp(stepLength, grazes ? GRAZE_STEP : MIN_STEP, MAX_STEP);
    t += stepLength;
    otherBound -= STEEPEST * stepLength;
  }
#ifndef ONLY_SKIN
  if (crossingD < 0.0) return bracketCrossing(origin, direction, lastT, lastD, t, crossingD);
#endif
  if (t > far) return MISS;
  // Out of steps along the surface: at an outline that is a hit, as far as one can see.
  return lastD < GRAZE ? t : MISS;
}
