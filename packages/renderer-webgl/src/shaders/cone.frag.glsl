// How far a whole tile of pixels can go before any of its rays comes near the surface: a cone instead of a ray (cone marching).
// Out: that distance as bits of a float; 0 where no ray of the tile meets anything. Needs chunks/ray.glsl and chunks/field.glsl.
uniform vec2 tiles;     // along the viewport's sides, not whole
uniform float spread;   // the cone's radius per metre
uniform float radiusAtOrigin; // of an orthographic camera's, metres

out uvec4 result;

const int STEPS = 40;
const float SCALE = 0.8; // T(x + D) is no exact distance, least of all far from the surface
const float CLOSE = 1.5e-3;

void main() {
  vec3 origin, direction;
  float near, far;
  castRay(gl_FragCoord.xy / tiles * 2.0 - 1.0, origin, direction, near, far);
  // Rays at the tile's border may meet the bounds where the middle one does not.
  float margin = 2.0 * (radiusAtOrigin + spread * max(near, 0.0));
  vec3 low = (boundsMin - margin - origin) / direction;
  vec3 high = (boundsMax + margin - origin) / direction;
  vec3 first = min(low, high);
  vec3 last = max(low, high);
  float t = max(max(first.x, first.y), max(first.z, 0.0));
  float end = min(last.x, min(last.y, last.z));
  bool found = false;
  for (int i = 0; i < STEPS && t <= end; i++) {
    float radius = radiusAtOrigin + spread * t;
    float room = SCALE * distanceTo(origin + t * direction) - radius;
    if (room < CLOSE) {
      found = true;
      break;
    }
    t += min(room, 0.03);
  }
  result = uvec4(found || t <= end ? floatBitsToUint(max(t, 1e-6)) : 0u);
}
