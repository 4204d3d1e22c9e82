// In: the box's fragments. Out: colour, and the depth of the surface that the pixel's ray meets. Needs chunks/ray, field, trace and shading.glsl.
uniform highp usampler2D tileStart; // cone.frag.glsl's result
uniform vec4 viewport;              // x, y, width, height, pixels
uniform mat4 clipFromAvatar;
uniform mat3 worldFromAvatar;
uniform sampler2D albedoMap;        // SRGB8_ALPHA8, as partMaps
uniform highp sampler2DArray partMaps;
uniform vec3 lighting[9];
uniform vec3 toLight;
uniform vec3 lightColour;
uniform vec2 gloss[6];
uniform bool encodeOutput;

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
  vec3 n = worldFromAvatar * normalAt(p);
  // Neighbours may see another part or another fold of the skin, whose place on the chart says nothing of this one's size.
  const float WIDEST = 0.03;
  vec2 dx = dFdx(uv);
  vec2 dy = dFdy(uv);
  dx *= min(WIDEST / max(length(dx), 1e-9), 1.0);
  dy *= min(WIDEST / max(length(dy), 1e-9), 1.0);
  if (t < 0.0) discard;
  vec3 albedo = part == 0 ? textureGrad(albedoMap, uv, dx, dy).rgb : textureGrad(partMaps, vec3(uv, part - 1), dx, dy).rgb;
#ifdef COUNT_READS
  colour = vec4(reads / 255.0, float(part) / 255.0, 1.0, 1.0);
#else
  vec3 light = albedo * max(computeShading(lighting, n), 0.0);
  light += computeHighlight(toLight, lightColour, gloss[part], n, normalize(worldFromAvatar * -direction));
  colour = vec4(encodeOutput ? encodeSrgb(light) : light, 1.0);
#endif
  vec4 clip = clipFromAvatar * vec4(p, 1.0);
  gl_FragDepth = mix(gl_DepthRange.near, gl_DepthRange.far, 0.5 + 0.5 * clip.z / clip.w);
}
