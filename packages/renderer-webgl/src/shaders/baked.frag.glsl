// In: the box's fragments. Out: colour, and the depth of the surface that the pixel's ray meets. Needs chunks/ray, field, trace, shading and surface.glsl.
uniform highp usampler2D tileStart; // cone.frag.glsl's result
uniform vec4 viewport;              // x, y, width, height, pixels
uniform mat4 clipFromAvatar;
uniform mat3 worldFromAvatar;

out vec4 colour;

const int TILE = 8;

void main() {
  vec2 pixel = gl_FragCoord.xy - viewport.xy;
  float start = uintBitsToFloat(texelFetch(tileStart, ivec2(pixel) / TILE, 0).r);
  // Whole tiles leave here.
  if (start == 0.0) discard;
  vec3 origin, direction;
  float near, far;
  castRay(pixel / viewport.zw * 2.0 - 1.0, origin, direction, near, far);
  float t = traceRay(origin, direction, max(near, start), far);
  vec3 p = origin + t * direction;
  // The tracer asked last about this very place.
  int part = nearestPart;
  vec2 uv = uvOf(p);
  onlySheet = otherBound > 4.0 * NORMAL_STEP ? nearestSheet : -1;
  vec3 n = worldFromAvatar * normalAt(p);
  vec2 dx = dFdx(uv);
  vec2 dy = dFdy(uv);
  if (t < 0.0) discard;
#ifdef COUNT_READS
  colour = vec4(reads / 255.0, float(part) / 255.0, 1.0, 1.0);
#else
  colour = shadeSurface(part, uv, dx, dy, n, normalize(worldFromAvatar * -direction));
#endif
  vec4 clip = clipFromAvatar * vec4(p, 1.0);
  gl_FragDepth = mix(gl_DepthRange.near, gl_DepthRange.far, 0.5 + 0.5 * clip.z / clip.w);
}
