// Sphere tracing of `distanceTo` (chunks/field.glsl). Twin in ../../bake/trace.ts, where the constants are explained; it asks both sheets always.
#ifndef MAX_STEPS
#define MAX_STEPS 40
#endif
const float TOLERANCE = 1e-4;
const float STEP_SCALE = 0.9;
const float NEAR_BAND = 5e-3;
const float RELAXATION = 1.6;
const float THIN = 2.5e-3;
const float GRAZE = 2e-4;
const float MIN_STEP = 3e-4;
const float MAX_STEP = 0.03;
const float STEEPEST = 1.4; // a sheet's distance falls by no more than this per metre
const float NORMAL_STEP = 1e-3;

// Where the distance crosses zero between a place outside and one inside: where a line through both says, kept off the ends, until it is.
float bracketCrossing(vec3 origin, vec3 direction, float a, float da, float b, float db) {
  float t = b;
  for (int i = 0; i < 9; i++) {
    // Every third time the middle: where a part begins the distance may jump.
    t = a + (b - a) * (i % 3 == 2 ? 0.5 : clamp(da / (da - db), 0.1, 0.9));
    float d = distanceTo(origin + t * direction);
    if (abs(d) < TOLERANCE) break;
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

// How far the sheet that is not the nearest is at least. It is asked again only when it may matter, which halves the reads around the jaw.
float otherBound = 0.0;

// The first hit of a ray from `near` to `far`, or -1.
float traceRay(vec3 origin, vec3 direction, float near, float far) {
  float t = near;
  float lastT = near;
  float lastD = NONE;
  for (int i = 0; i < MAX_STEPS && t <= far; i++) {
    onlySheet = otherBound > max(2.0 * min(lastD, NEAR_BAND), THIN) ? nearestSheet : -1;
    float d = distanceTo(origin + t * direction);
    if (onlySheet < 0) otherBound = otherSheet;
    if (lastD > THIN && t - lastT > lastD + abs(d)) {
      t = lastT + lastD;
      lastD = NONE;
      continue;
    }
    if (d < TOLERANCE) {
      if (d < 0.0 && lastD < NONE) t = bracketCrossing(origin, direction, lastT, lastD, t, d);
      return t;
    }
    float stepLength = STEP_SCALE * d;
    if (d < NEAR_BAND) {
      float slope = (lastD - d) / (t - lastT);
      float secant = lastD < NONE && slope > 1e-3 ? d / slope : RELAXATION * d;
      stepLength = min(max(secant, d), RELAXATION * d);
    }
    lastT = t;
    lastD = d;
    stepLength = clamp(stepLength, MIN_STEP, MAX_STEP);
    t += stepLength;
    otherBound -= STEEPEST * stepLength;
  }
  return t <= far && lastD < GRAZE ? t : -1.0;
}

// The gradient's direction by differences at the corners of a tetrahedron.
vec3 normalAt(vec3 p) {
  const vec2 s = vec2(1.0, -1.0);
  return normalize(
    s.xyy * distanceTo(p + NORMAL_STEP * s.xyy) + s.yyx * distanceTo(p + NORMAL_STEP * s.yyx)
    + s.yxy * distanceTo(p + NORMAL_STEP * s.yxy) + s.xxx * distanceTo(p + NORMAL_STEP * s.xxx));
}
