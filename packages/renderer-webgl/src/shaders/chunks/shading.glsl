// Light on skin. Unit vectors in world space that point away from the surface, linear RGB. Twins in ../../lighting.ts and ../../specular.ts.

const float PI = 3.14159265;

// Second-order spherical harmonics, one row of RGB per coefficient (docs/conventions.md, "Colour and light"); bands scale orders 1 and 2.
vec3 evaluateHarmonics(vec3 c[9], vec2 bands, vec3 n) {
  return 0.282095 * c[0]
    + bands.x * 0.488603 * (c[1] * n.y + c[2] * n.z + c[3] * n.x)
    + bands.y * (1.092548 * (c[4] * n.x * n.y + c[5] * n.y * n.z + c[7] * n.x * n.z)
      + 0.315392 * c[6] * (3.0 * n.z * n.z - 1.0)
      + 0.546274 * c[8] * (n.x * n.x - n.y * n.y));
}

vec3 computeShading(vec3 lighting[9], vec3 n) {
  return evaluateHarmonics(lighting, vec2(1.0), n);
}

// How densely microfacets lie along the halfway vector: GGX (Walter et al. 2007). alpha is the roughness squared.
float distributionGgx(float nDotH, float alpha) {
  float a = nDotH * alpha;
  float k = alpha / (1.0 - nDotH * nDotH + a * a);
  return k * k / PI;
}

// Smith's shadowing and masking, correlated in height, over 4 (n . l) (n . v) (Heitz 2014).
float visibilitySmith(float nDotL, float nDotV, float alpha) {
  float a2 = alpha * alpha;
  float masking = nDotL * sqrt(nDotV * nDotV * (1.0 - a2) + a2);
  float shadowing = nDotV * sqrt(nDotL * nDotL * (1.0 - a2) + a2);
  return 0.5 / (masking + shadowing);
}

// What a surface mirrors at a glance (f90): all, unless so little head-on that it is no dielectric but matte (Lagarde & de Rousiers 2014).
float grazingReflectance(float f0) {
  return clamp(50.0 * f0, 0.0, 1.0);
}

// Schlick 1994.
float fresnelSchlick(float f0, float vDotH) {
  float c = 1.0 - vDotH;
  float c2 = c * c;
  return f0 + (grazingReflectance(f0) - f0) * c2 * c2 * c;
}

// Cook-Torrance under one light. gloss: f0 and alpha; lightColour: what a white matte surface that faces the light shades to, which is its irradiance over pi.
vec3 computeHighlight(vec3 toLight, vec3 lightColour, vec2 gloss, vec3 n, vec3 toEye) {
  // Epsilons because the two may be opposite, with no direction half way, and because interpolated normals may face away from the eye.
  vec3 halfway = toLight + toEye;
  halfway /= max(length(halfway), 1e-6);
  float nDotL = max(dot(n, toLight), 0.0);
  float nDotV = max(dot(n, toEye), 1e-3);
  float nDotH = clamp(dot(n, halfway), 0.0, 1.0);
  float vDotH = clamp(dot(toEye, halfway), 0.0, 1.0);
  float brdf = distributionGgx(nDotH, gloss.y) * visibilitySmith(nDotL, nDotV, gloss.y) * fresnelSchlick(gloss.x, vDotH);
  return lightColour * (PI * brdf * nDotL);
}

// The share of even light that Cook-Torrance mirrors: Karis' fit to the split sum (2014, "Physically Based Shading on Mobile").
float environmentBrdf(float f0, float alpha, float nDotV) {
  vec4 r = sqrt(alpha) * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
  float a004 = min(r.x * r.x, exp2(-9.28 * nDotV)) * r.x + r.y;
  vec2 scaleBias = vec2(-1.04, 1.04) * a004 + r.zw;
  return max(f0 * scaleBias.x + grazingReflectance(f0) * scaleBias.y, 0.0);
}
