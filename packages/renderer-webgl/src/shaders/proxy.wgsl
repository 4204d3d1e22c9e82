// Meshes that lie just outside of the surface: where a pixel's ray may begin. Depth is all that is drawn.
@group(0) @binding(0) var<uniform> clipFromAvatar: mat4x4f;

@vertex
fn vertexMain(@location(0) position: vec3f) -> @builtin(position) vec4f {
  return clipFromAvatar * vec4f(position, 1.0);
}
