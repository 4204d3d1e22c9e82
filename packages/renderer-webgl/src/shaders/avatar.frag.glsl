// In: world position and normal, UV. Out: colour, opaque, sRGB or linear. Needs chunks/shading, surface-light and output.glsl before it, with NORMAL_MAP normal-map.glsl.
in vec3 worldPosition;
in vec3 worldNormal;
in vec2 texturePlace;

uniform sampler2D albedoMap; // SRGB8_ALPHA8, so filtering and the value read are in linear light
uniform vec4 material;
uniform vec3 eye; // the camera's place, metres, world space

out vec4 colour;

void main() {
  // The neck is open below: its inside is seen as a surface of its own.
  vec3 n = normalize(gl_FrontFacing ? worldNormal : -worldNormal);
#ifdef NORMAL_MAP
  n = addRelief(texturePlace, dFdx(texturePlace), dFdy(texturePlace), dFdx(worldPosition), dFdy(worldPosition), n);
#endif
  vec3 albedo = texture(albedoMap, texturePlace).rgb;
  colour = toOutput(computeSurfaceLight(albedo, material, worldPosition, n, normalize(eye - worldPosition)));
}
