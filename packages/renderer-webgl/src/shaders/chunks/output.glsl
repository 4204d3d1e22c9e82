// From linear light to what is stored. Twins in ../../colour.ts.
uniform float exposure;
uniform bool toneMapped;
uniform bool encodeOutput;

// Khronos PBR Neutral: leaves colours below 0.76 alone but for the 4 % that dielectrics mirror, rolls brighter ones off and desaturates them.
// https://github.com/KhronosGroup/ToneMapping/blob/main/PBR_Neutral/README.md
vec3 toneMapNeutral(vec3 c) {
  const float START = 0.8 - 0.04;
  const float DESATURATION = 0.15;
  float low = min(c.r, min(c.g, c.b));
  c -= low < 0.08 ? low - 6.25 * low * low : 0.04;
  float peak = max(c.r, max(c.g, c.b));
  if (peak < START) return c;
  float d = 1.0 - START;
  float rolled = 1.0 - d * d / (peak + d - START);
  c *= rolled / peak;
  return mix(c, vec3(rolled), 1.0 - 1.0 / (DESATURATION * (peak - rolled) + 1.0));
}

// Linear light to sRGB's curve, each in 0 to 1 (IEC 61966-2-1).
vec3 encodeSrgb(vec3 linear) {
  vec3 c = clamp(linear, 0.0, 1.0);
  return mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}

vec4 toOutput(vec3 light) {
  light *= exposure;
  if (toneMapped) light = toneMapNeutral(light);
  return vec4(encodeOutput ? encodeSrgb(light) : light, 1.0);
}
