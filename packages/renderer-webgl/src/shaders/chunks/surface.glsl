// What light makes of a place of the face, from whichever path found it. Needs chunks/shading.glsl.
uniform sampler2D albedoMap;               // SRGB8_ALPHA8, as partMaps: filtering and the value read are in linear light
uniform highp sampler2DArray partMaps;
uniform vec3 lighting[9];
uniform vec3 toLight;
uniform vec3 lightColour;
uniform vec2 gloss[6];
uniform bool encodeOutput;

// Neighbouring pixels may see another part, or another fold of the skin: their places on the chart say nothing of this one's size.
const float WIDEST = 0.03;

// dx and dy: how uv changes from pixel to pixel. Unit vectors in world space.
vec4 shadeSurface(int part, vec2 uv, vec2 dx, vec2 dy, vec3 n, vec3 toEye) {
  dx *= min(WIDEST / max(length(dx), 1e-9), 1.0);
  dy *= min(WIDEST / max(length(dy), 1e-9), 1.0);
#ifdef ONLY_SKIN
  vec3 albedo = textureGrad(albedoMap, uv, dx, dy).rgb;
#else
  vec3 albedo = part == 0 ? textureGrad(albedoMap, uv, dx, dy).rgb : textureGrad(partMaps, vec3(uv, part - 1), dx, dy).rgb;
#endif
  // Second-order harmonics of a strong light dip below zero on the far side.
  vec3 light = albedo * max(computeShading(lighting, n), 0.0);
  light += computeHighlight(toLight, lightColour, gloss[part], n, toEye);
  return vec4(encodeOutput ? encodeSrgb(light) : light, 1.0);
}
