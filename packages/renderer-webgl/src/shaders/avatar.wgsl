// A part's mesh, lit. In: vertices in world space. Out: colour, opaque, sRGB or linear. Needs chunks/shading, surface-light, output and normal-map.wgsl before it.
@group(0) @binding(0) var<uniform> frame: Frame;
struct Material {
  gloss: vec4f,
  normalScale: f32,
}

@group(1) @binding(0) var<uniform> material: Material;
@group(1) @binding(1) var albedoMap: texture_2d<f32>; // sRGB, so filtering and the value read are in linear light
@group(1) @binding(2) var albedoSampler: sampler;
@group(1) @binding(3) var normalMap: texture_2d<f32>;

struct Varying {
  @builtin(position) clip: vec4f,
  @location(0) position: vec3f, // world space, as the normal
  @location(1) normal: vec3f,
  @location(2) uv: vec2f,
}

@vertex
fn vertexMain(@location(0) position: vec3f, @location(1) normal: vec3f, @location(2) uv: vec2f) -> Varying {
  return Varying(frame.clipFromWorld * vec4f(position, 1.0), position, normal, uv);
}

@fragment
fn fragmentMain(in: Varying, @builtin(front_facing) isFront: bool) -> @location(0) vec4f {
  // The neck is open below: its inside is seen as a surface of its own.
  let smoothNormal = normalize(select(-in.normal, in.normal, isFront));
  let n = addRelief(material.normalScale, in.uv, dpdx(in.uv), dpdy(in.uv), dpdx(in.position), dpdy(in.position), smoothNormal);
  let albedo = textureSample(albedoMap, albedoSampler, in.uv).rgb;
  return toOutput(computeSurfaceLight(albedo, material.gloss, in.position, n, normalize(frame.eye - in.position)));
}
