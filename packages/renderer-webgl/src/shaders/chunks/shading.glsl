// Light on skin. Unit vectors in world space, linear RGB. Twins in ../../lighting.ts and ../../colour.ts.

// Shading under second-order spherical harmonics, one row of RGB per coefficient (docs/conventions.md, "Colour and light").
vec3 computeShading(vec3 lighting[9], vec3 n) {
  return 0.282095 * lighting[0]
    + 0.488603 * (lighting[1] * n.y + lighting[2] * n.z + lighting[3] * n.x)
    + 1.092548 * (lighting[4] * n.x * n.y + lighting[5] * n.y * n.z + lighting[7] * n.x * n.z)
    + 0.315392 * lighting[6] * (3.0 * n.z * n.z - 1.0)
    + 0.546274 * lighting[8] * (n.x * n.x - n.y * n.y);
}

// Normalised Blinn-Phong with Schlick's Fresnel term (4 % head-on, as water or skin) from one directional light of irradiance
// lightColour. gloss is (strength, exponent); toLight and toEye point away from the surface.
vec3 computeHighlight(vec3 toLight, vec3 lightColour, vec2 gloss, vec3 n, vec3 toEye) {
  // An epsilon because the two may be opposite, with no direction half way.
  vec3 halfway = toLight + toEye;
  halfway /= max(length(halfway), 1e-6);
  float fresnel = 0.04 + 0.96 * pow(1.0 - clamp(dot(toEye, halfway), 0.0, 1.0), 5.0);
  float lobe = (gloss.y + 8.0) / 8.0 * pow(max(dot(n, halfway), 0.0), gloss.y);
  return lightColour * (gloss.x * fresnel * lobe * max(dot(n, toLight), 0.0));
}

// Linear light to sRGB's curve, each in 0 to 1 (IEC 61966-2-1).
vec3 encodeSrgb(vec3 linear) {
  vec3 c = clamp(linear, 0.0, 1.0);
  return mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}
