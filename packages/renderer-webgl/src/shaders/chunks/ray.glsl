// The ray of a place of the viewport, avatar space.
uniform mat4 avatarFromClip;
uniform vec3 boundsMin;
uniform vec3 boundsMax;

// `ndc` in -1..1. Out: unit direction; where the ray enters and leaves the bounds, entry after exit if it does not.
void castRay(vec2 ndc, out vec3 origin, out vec3 direction, out float near, out float far) {
  vec4 a = avatarFromClip * vec4(ndc, -1.0, 1.0);
  vec4 b = avatarFromClip * vec4(ndc, 1.0, 1.0);
  origin = a.xyz / a.w;
  vec3 along = b.xyz / b.w - origin;
  direction = normalize(along);
  vec3 perAxis = 1.0 / direction;
  vec3 low = (boundsMin - origin) * perAxis;
  vec3 high = (boundsMax - origin) * perAxis;
  vec3 first = min(low, high);
  vec3 last = max(low, high);
  near = max(max(first.x, first.y), max(first.z, 0.0));
  far = min(min(last.x, last.y), min(last.z, length(along)));
}
