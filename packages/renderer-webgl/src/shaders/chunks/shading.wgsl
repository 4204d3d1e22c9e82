// Light on skin. Unit vectors in world space that point away from the surface, linear RGB. shading.glsl says more; twins in ../../lighting.ts and ../../specular.ts.

const PI = 3.14159265;

// Second-order spherical harmonics, one row of RGB per coefficient; bands scale orders 1 and 2.
fn evaluateHarmonics(c: array<vec3f, 9>, bands: vec2f, n: vec3f) -> vec3f {
  return 0.282095 * c[0]
    + bands.x * 0.488603 * (c[1] * n.y + c[2] * n.z + c[3] * n.x)
    + bands.y * (1.092548 * (c[4] * n.x * n.y + c[5] * n.y * n.z + c[7] * n.x * n.z)
      + 0.315392 * c[6] * (3.0 * n.z * n.z - 1.0)
      + 0.546274 * c[8] * (n.x * n.x - n.y * n.y));
}

fn distributionGgx(nDotH: f32, alpha: f32) -> f32 {
  let a = nDotH * alpha;
  let k = alpha / (1.0 - nDotH * nDotH + a * a);
  return k * k / PI;
}

fn visibilitySmith(nDotL: f32, nDotV: f32, alpha: f32) -> f32 {
  let a2 = alpha * alpha;
  let masking = nDotL * sqrt(nDotV * nDotV * (1.0 - a2) + a2);
  let shadowing = nDotV * sqrt(nDotL * nDotL * (1.0 - a2) + a2);
  return 0.5 / (masking + shadowing);
}

fn grazingReflectance(f0: f32) -> f32 {
  return saturate(50.0 * f0);
}

fn fresnelSchlick(f0: f32, vDotH: f32) -> f32 {
  let c = 1.0 - vDotH;
  let c2 = c * c;
  return f0 + (grazingReflectance(f0) - f0) * c2 * c2 * c;
}

// Cook-Torrance under one light. gloss: f0 and alpha.
fn computeHighlight(toLight: vec3f, lightColour: vec3f, gloss: vec2f, n: vec3f, toEye: vec3f) -> vec3f {
  var halfway = toLight + toEye;
  halfway /= max(length(halfway), 1e-6);
  let nDotL = max(dot(n, toLight), 0.0);
  let nDotV = max(dot(n, toEye), 1e-3);
  let nDotH = saturate(dot(n, halfway));
  let vDotH = saturate(dot(toEye, halfway));
  let brdf = distributionGgx(nDotH, gloss.y) * visibilitySmith(nDotL, nDotV, gloss.y) * fresnelSchlick(gloss.x, vDotH);
  return lightColour * (PI * brdf * nDotL);
}

fn environmentBrdf(f0: f32, alpha: f32, nDotV: f32) -> f32 {
  let r = sqrt(alpha) * vec4f(-1.0, -0.0275, -0.572, 0.022) + vec4f(1.0, 0.0425, 1.04, -0.04);
  let a004 = min(r.x * r.x, exp2(-9.28 * nDotV)) * r.x + r.y;
  let scaleBias = vec2f(-1.04, 1.04) * a004 + r.zw;
  return max(f0 * scaleBias.x + grazingReflectance(f0) * scaleBias.y, 0.0);
}
