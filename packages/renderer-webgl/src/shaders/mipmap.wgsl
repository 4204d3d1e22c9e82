// The next smaller level of a texture, filtered in linear light. In: one triangle over all of it.
@group(0) @binding(0) var larger: texture_2d<f32>;
@group(0) @binding(1) var linearSampler: sampler;

@vertex
fn vertexMain(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(vec2f(f32(i & 1), f32(i >> 1)) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn fragmentMain(@builtin(position) place: vec4f) -> @location(0) vec4f {
  let size = max(vec2f(textureDimensions(larger)) / 2.0, vec2f(1.0));
  return textureSampleLevel(larger, linearSampler, place.xy / floor(size), 0.0);
}
