// In: world position and normal, UV. Out: colour, opaque, sRGB or linear. Needs chunks/shading.glsl before it.
in vec3 worldPosition;
in vec3 worldNormal;
in vec2 texturePlace;

uniform sampler2D albedoMap; // SRGB8_ALPHA8, so filtering and the value read are in linear light
uniform vec3 lighting[9];
uniform vec3 toLight;
uniform vec3 lightColour;
uniform vec2 gloss;
uniform vec3 eye; // the camera's place, metres, world space
uniform bool encodeOutput;

out vec4 colour;

void main() {
  // The neck is open below: its inside is seen as a surface of its own.
  vec3 n = normalize(gl_FrontFacing ? worldNormal : -worldNormal);
  vec3 albedo = texture(albedoMap, texturePlace).rgb;
  // Second-order harmonics of a strong light dip below zero on the far side.
  vec3 light = albedo * max(computeShading(lighting, n), 0.0);
  light += computeHighlight(toLight, lightColour, gloss, n, normalize(eye - worldPosition));
  colour = vec4(encodeOutput ? encodeSrgb(light) : light, 1.0);
}
