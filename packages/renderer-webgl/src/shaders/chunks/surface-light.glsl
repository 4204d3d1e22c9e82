// All light that a place of the face sends to the eye, on every path. Linear RGB, world space. Twin: computeSurfaceLight in ../../surface-light.ts. Needs chunks/shading.glsl.
#define MAX_LIGHTS 5

uniform vec3 lighting[9];                // harmonics of what a white matte surface shades to
uniform vec3 reflected[9];               // of the radiance that the first light below leaves
uniform vec4 lightPlaces[MAX_LIGHTS];    // w 0: toward a far light; w 1: the place of a near one, metres
uniform vec3 lightColours[MAX_LIGHTS];   // of a near one at a distance of a metre
uniform int lightCount;

// material: f0, alpha, and what a lobe of that alpha leaves of orders 1 and 2.
vec3 computeSurfaceLight(vec3 albedo, vec4 material, vec3 position, vec3 n, vec3 toEye) {
  // What is mirrored does not come back out of the skin.
  float share = environmentBrdf(material.x, material.y, max(dot(n, toEye), 1e-3));
  albedo *= 1.0 - share;
  // Second-order harmonics of a strong light dip below zero on the far side.
  vec3 light = albedo * max(computeShading(lighting, n), 0.0);
  light += share * max(evaluateHarmonics(reflected, material.zw, reflect(-toEye, n)), 0.0);
  for (int i = 0; i < lightCount; i++) {
    vec3 toLight = lightPlaces[i].xyz - lightPlaces[i].w * position;
    float squared = max(dot(toLight, toLight), 1e-6);
    vec3 arriving = lightColours[i] / mix(1.0, squared, lightPlaces[i].w);
    toLight *= inversesqrt(squared);
    // The first stands for the brightest side of the harmonics, whose matte share is in already.
    if (i > 0) light += albedo * arriving * max(dot(n, toLight), 0.0);
    light += computeHighlight(toLight, arriving, material.xy, n, toEye);
  }
  return light;
}
