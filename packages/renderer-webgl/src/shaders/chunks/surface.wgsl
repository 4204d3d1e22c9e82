// What a place of the face sends to the eye. Needs chunks/shading.wgsl and surface-light.wgsl, and `frame` with the parts' materials.
@group(2) @binding(0) var albedoMap: texture_2d<f32>; // sRGB, as partMaps: filtering and the value read are in linear light
@group(2) @binding(1) var albedoSampler: sampler;
@group(2) @binding(2) var partMaps: texture_2d_array<f32>;
@group(2) @binding(3) var partSampler: sampler;

// Neighbouring pixels may see another part, or another fold of the skin: their places on the chart say nothing of this one's size.
const WIDEST = 0.03;

// ddx and ddy: how uv changes from pixel to pixel. Position and unit vectors in world space. Linear.
fn shadeSurface(part: i32, uv: vec2f, ddx: vec2f, ddy: vec2f, position: vec3f, n: vec3f, toEye: vec3f) -> vec3f {
  let dx = ddx * min(WIDEST / max(length(ddx), 1e-9), 1.0);
  let dy = ddy * min(WIDEST / max(length(ddy), 1e-9), 1.0);
  var albedo: vec3f;
  if (part == 0) {
    albedo = textureSampleGrad(albedoMap, albedoSampler, uv, dx, dy).rgb;
  } else {
    albedo = textureSampleGrad(partMaps, partSampler, uv, part - 1, dx, dy).rgb;
  }
  return computeSurfaceLight(albedo, frame.materials[part], position, n, toEye);
}
