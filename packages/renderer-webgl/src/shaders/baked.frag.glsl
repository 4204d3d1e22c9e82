// Traces and shades where the proxies are. In: points over tiles of pixels, of which the stencil leaves those that want this program. Out: linear colour; and as bits of a float the depth of what was hit,
// 0 where nothing was, 1 where the program for the whole field has to look. Writes no depth and discards nothing, so that graphics cards do not even begin what the stencil leaves out.
// Needs with NORMAL_MAP normal-map.glsl, and chunks/ray, field, trace, shading, surface-light and surface.glsl.
uniform highp usampler2D proxyDepth; // of proxy.frag.glsl: no surface lies before it
uniform vec2 viewportSize;
uniform mat4 clipFromAvatar;
uniform mat4 worldFromAvatar; // a rotation, a shift and an even scale

layout(location = 0) out vec4 colour;
layout(location = 1) out uint hitDepth;

void main() {
  float before = uintBitsToFloat(texelFetch(proxyDepth, ivec2(gl_FragCoord.xy), 0).r & ~3u);
  vec2 ndc = gl_FragCoord.xy / viewportSize * 2.0 - 1.0;
  vec3 origin, direction;
  float near, far;
  castRay(ndc, origin, direction, near, far);
  vec4 start = avatarFromClip * vec4(ndc, before * 2.0 - 1.0, 1.0);
  float t = traceRay(origin, direction, near, max(near, dot(start.xyz / start.w - origin, direction)), far);
  vec3 p = origin + t * direction;
  vec2 uv = uvAt(p, (t - askedAt) * direction);
  mat3 turn = mat3(worldFromAvatar) / length(worldFromAvatar[0].xyz);
  vec3 n = turn * normalAt(p);
  vec2 dx = dFdx(uv);
  vec2 dy = dFdy(uv);
#ifdef COUNT_READS
  colour = vec4(reads / 255.0, float(nearestPart) / 255.0, 1.0, 1.0);
#else
  vec3 position = (worldFromAvatar * vec4(p, 1.0)).xyz;
#ifdef NORMAL_MAP
  vec3 smoothNormal = n;
  n = addRelief(uv, dx, dy, dFdx(position), dFdy(position), n);
#ifndef ONLY_SKIN
  if (nearestPart > 0) n = smoothNormal;
#endif
#endif
  colour = vec4(shadeSurface(nearestPart, uv, dx, dy, position, n, turn * -direction), 1.0);
#endif
  vec4 clip = clipFromAvatar * vec4(p, 1.0);
  hitDepth = t >= 0.0 ? floatBitsToUint(max(0.5 + 0.5 * clip.z / clip.w, 1e-7)) : 0u;
#ifdef ONLY_SKIN
  if (comesElsewhere(origin + askedFrom * direction, direction, (t >= 0.0 ? t : far) - askedFrom)) hitDepth = 1u;
#endif
}
