// The ray of a place of the viewport, avatar space.
uniform mat4 avatarFromClip;
uniform vec3 boundsMin;
uniform vec3 boundsMax;

// Where a line enters a box and where it leaves, metres along it; entry after exit if it misses. `perAxis`: 1 / direction.
vec2 crossBox(vec3 low, vec3 high, vec3 from, vec3 perAxis) {
  vec3 a = (low - from) * perAxis;
  vec3 b = (high - from) * perAxis;
  vec3 first = min(a, b);
  vec3 last = max(a, b);
  return vec2(max(max(first.x, first.y), first.z), min(min(last.x, last.y), last.z));
}

// `ndc` in -1..1. Out: unit direction; where the ray enters and leaves the bounds, entry after exit if it does not.
void castRay(vec2 ndc, out vec3 origin, out vec3 direction, out float near, out float far) {
  vec4 a = avatarFromClip * vec4(ndc, -1.0, 1.0);
  vec4 b = avatarFromClip * vec4(ndc, 1.0, 1.0);
  origin = a.xyz / a.w;
  vec3 along = b.xyz / b.w - origin;
  direction = normalize(along);
  vec2 crossing = crossBox(boundsMin, boundsMax, origin, 1.0 / direction);
  near = max(crossing.x, 0.0);
  far = min(crossing.y, length(along));
}
