// Sphere tracing of `distanceTo` (chunks/field.glsl). Twin in ../../bake/trace.ts, where the constants are explained; it asks both sheets always.
#ifndef MAX_STEPS
#define MAX_STEPS 40
#endif
const float TOLERANCE = 1e-4;
const float ACCEPT = 5e-4;
const float STEP_SCALE = 0.9;
const float NEAR_BAND = 5e-3;
const float RELAXATION = 1.6;
const float THIN = 2.5e-3;
const float GRAZE = 2e-4;
const float MIN_STEP = 3e-4;
const float MAX_STEP = 0.03;
const float STEP_BACK = 2e-3;
const float STEEPEST = 1.4; // a sheet's distance falls by no more than this per metre

// Where `distanceTo` was last asked.
float askedAt;

float distanceAlong(vec3 origin, vec3 direction, float t) {
  askedAt = t;
  return distanceTo(origin + t * direction);
}

// Where the distance crosses zero between a place outside and one inside: where a line through both says, kept off the ends, until it is.
float bracketCrossing(vec3 origin, vec3 direction, float a, float da, float b, float db) {
  float t = a + (b - a) * da / (da - db);
  // Near enough for a line, unless a part begins where the distance jumps.
  bool found = da < THIN && db > -ACCEPT;
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

// The first hit of a ray from `near` to `far`, or -1. `entry`: where the ray entered the bounds, as far back as it may go should `near` lie inside.
float traceRay(vec3 origin, vec3 direction, float entry, float near, float far) {
  float t = near;
  float lastT = near;
  float lastD = NONE;
  float hit = -1.0;
  // Of the sheet that is not the nearest: how far it is at least. It is asked again only when it may matter, which halves the reads around the jaw.
  float otherBound = 0.0;
  bool crossed = false;
  float d = NONE;
  for (int i = 0; i < MAX_STEPS && t <= far && hit < 0.0 && !crossed; i++) {
    onlySheet = otherBound > max(2.0 * min(lastD, NEAR_BAND), THIN) ? nearestSheet : -1;
    d = distanceAlong(origin, direction, t);
    if (onlySheet < 0) otherBound = otherSheet;
    bool isFirst = lastD == NONE;
    if (isFirst && d < 0.0 && t > entry) {
      t = max(t - STEP_BACK, entry);
      otherBound = 0.0;
      continue;
    }
    if (lastD > THIN && !isFirst && t - lastT > lastD + abs(d)) {
      t = lastT + lastD;
      lastD = NONE;
      continue;
    }
    float slope = (lastD - d) / (t - lastT);
    if (d < 0.0 && !isFirst) crossed = true;
    else if (d < TOLERANCE) hit = t;
    else if (!isFirst && d < ACCEPT && slope > 0.4) hit = t + d / slope;
    else {
      float stepLength = STEP_SCALE * d;
      if (d < NEAR_BAND) {
        float secant = slope > 1e-3 ? d / slope : RELAXATION * d;
        stepLength = isFirst ? d : min(max(secant, d), RELAXATION * d);
      }
      lastT = t;
      lastD = d;
      stepLength = clamp(stepLength, MIN_STEP, MAX_STEP);
      t += stepLength;
      otherBound -= STEEPEST * stepLength;
    }
  }
  WHEN (crossed) {
    hit = bracketCrossing(origin, direction, lastT, lastD, t, d);
  }
  // Out of steps along the surface: at an outline that is a hit, as far as one can see.
  return hit < 0.0 && t <= far && lastD < GRAZE ? t : hit;
}
