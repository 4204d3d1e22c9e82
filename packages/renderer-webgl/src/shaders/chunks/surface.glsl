// What a place of the face sends to the eye, from whichever path found it. Needs chunks/shading.glsl and surface-light.glsl.
uniform sampler2D albedoMap;               // SRGB8_ALPHA8, as partMaps: filtering and the value read are in linear light
uniform highp sampler2DArray partMaps;
uniform vec4 materials[6];                 // by part, see surface-light.glsl

// Neighbouring pixels may see another part, or another fold of the skin: their places on the chart say nothing of this one's size.
const float WIDEST = 0.03;

// dx and dy: how uv changes from pixel to pixel. Position and unit vectors in world space. Linear.
vec3 shadeSurface(int part, vec2 uv, vec2 dx, vec2 dy, vec3 position, vec3 n, vec3 toEye) {
#ifdef ONLY_SKIN
  // SwiftShader filters anisotropically for half the time when it is not told derivatives. Outside of any if: it takes them from all four pixels.
  vec3 albedo = texture(albedoMap, uv).rgb;
  vec2 squared = vec2(dot(dx, dx), dot(dy, dy));
  if (max(squared.x, squared.y) > WIDEST * WIDEST) {
    // Of two derivatives the narrower one is more likely this fold's own. At least what eight anisotropic samples of the widest would have.
    float size = clamp(sqrt(min(squared.x, squared.y)), WIDEST / 8.0, WIDEST);
    albedo = textureLod(albedoMap, uv, log2(size * float(textureSize(albedoMap, 0).x))).rgb;
  }
#else
  dx *= min(WIDEST / max(length(dx), 1e-9), 1.0);
  dy *= min(WIDEST / max(length(dy), 1e-9), 1.0);
  vec3 albedo = part == 0 ? textureGrad(albedoMap, uv, dx, dy).rgb : textureGrad(partMaps, vec3(uv, part - 1), dx, dy).rgb;
#endif
  return computeSurfaceLight(albedo, materials[part], position, n, toEye);
}
