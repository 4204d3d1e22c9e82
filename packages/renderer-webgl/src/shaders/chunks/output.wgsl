// From linear light to what is stored. Twins in ../../colour.ts. Needs `frame`, a uniform block with OUTPUT_LAYOUT.

// Khronos PBR Neutral, see output.glsl.
fn toneMapNeutral(given: vec3f) -> vec3f {
  const START = 0.8 - 0.04;
  const DESATURATION = 0.15;
  let low = min(given.r, min(given.g, given.b));
  var c = given - select(0.04, low - 6.25 * low * low, low < 0.08);
  let peak = max(c.r, max(c.g, c.b));
  if (peak < START) {
    return c;
  }
  let d = 1.0 - START;
  let rolled = 1.0 - d * d / (peak + d - START);
  c *= rolled / peak;
  return mix(c, vec3f(rolled), 1.0 - 1.0 / (DESATURATION * (peak - rolled) + 1.0));
}

// Linear light to sRGB's curve, each in 0 to 1 (IEC 61966-2-1).
fn encodeSrgb(linear: vec3f) -> vec3f {
  let c = saturate(linear);
  return select(1.055 * pow(c, vec3f(1.0 / 2.4)) - 0.055, 12.92 * c, c < vec3f(0.0031308));
}

fn toOutput(given: vec3f) -> vec4f {
  var light = given * frame.exposure;
  if (frame.toneMapped > 0.5) {
    light = toneMapNeutral(light);
  }
  return vec4f(select(light, encodeSrgb(light), frame.encodeOutput > 0.5), 1.0);
}
