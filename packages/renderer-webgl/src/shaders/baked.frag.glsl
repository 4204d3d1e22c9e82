// In: the box's fragments. Out: colour, and the depth of the surface that the pixel's ray meets. Needs chunks/branch, ray, field, trace, shading and surface.glsl.
uniform highp sampler2D proxyDepth; // what proxy.vert.glsl drew: no surface lies before it; 1 where there is none at all
uniform vec4 viewport;              // x, y, width, height, pixels
uniform mat4 clipFromAvatar;
uniform mat3 worldFromAvatar;

out vec4 colour;

void main() {
  vec2 pixel = gl_FragCoord.xy - viewport.xy;
  float before = texelFetch(proxyDepth, ivec2(pixel), 0).r;
  float t = -1.0;
  int part = 0;
  vec2 uv = vec2(0.5);
  vec3 p, n, toEye;
  WHEN (before < 1.0) {
    vec2 ndc = pixel / viewport.zw * 2.0 - 1.0;
    vec3 origin, direction;
    float near, far;
    castRay(ndc, origin, direction, near, far);
    vec4 start = avatarFromClip * vec4(ndc, before * 2.0 - 1.0, 1.0);
    t = traceRay(origin, direction, near, max(near, dot(start.xyz / start.w - origin, direction)), far);
    WHEN (t >= 0.0) {
      p = origin + t * direction;
      part = nearestPart;
      uv = uvAt(p, (t - askedAt) * direction);
      n = worldFromAvatar * normalAt(p);
      toEye = normalize(worldFromAvatar * -direction);
    }
  }
  // Of whole pixels' neighbours, hence outside of all branches.
  vec2 dx = dFdx(uv);
  vec2 dy = dFdy(uv);
  if (t < 0.0) discard;
  WHEN (t >= 0.0) {
#ifdef COUNT_READS
    colour = vec4(reads / 255.0, float(part) / 255.0, 1.0, 1.0);
#else
    colour = shadeSurface(part, uv, dx, dy, n, toEye);
#endif
  }
  vec4 clip = clipFromAvatar * vec4(p, 1.0);
  gl_FragDepth = mix(gl_DepthRange.near, gl_DepthRange.far, 0.5 + 0.5 * clip.z / clip.w);
}
