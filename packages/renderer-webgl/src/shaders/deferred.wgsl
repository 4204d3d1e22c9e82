// Shades surface points that were found elsewhere: the exact path's. In: one triangle over a tile of the picture, one texel a pixel.
// Out: colour and depth. Needs chunks/shading, surface-light, surface and output.wgsl, and skinNormal of ../webgpu/relief.ts.
@group(0) @binding(0) var<uniform> frame: Frame;
@group(1) @binding(0) var surfaceNormal: texture_2d<f32>; // world space; w: the part, or -1 where nothing was hit
@group(1) @binding(1) var surfacePlace: texture_2d<f32>;  // uv, depth 0..1
@group(1) @binding(2) var surfacePosition: texture_2d<f32>; // metres, world space
@group(1) @binding(3) var toEye: texture_2d<f32>;         // world space

@vertex
fn vertexMain(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(vec2f(f32(i & 1), f32(i >> 1)) * 4.0 - 1.0, 0.0, 1.0);
}

struct Shaded {
  @location(0) colour: vec4f,
  @builtin(frag_depth) depth: f32,
}

@fragment
fn fragmentMain(@builtin(position) pixel: vec4f) -> Shaded {
  let texel = vec2i(pixel.xy - frame.tileOrigin);
  let normal = textureLoad(surfaceNormal, texel, 0);
  let place = textureLoad(surfacePlace, texel, 0);
  let eye = textureLoad(toEye, texel, 0).xyz;
  let dx = dpdx(place.xy);
  let dy = dpdy(place.xy);
  let position = textureLoad(surfacePosition, texel, 0).xyz;
  // As all that compares neighbours, before some are left out.
  let dpx = dpdx(position);
  let dpy = dpdy(position);
  if (normal.w < 0.0) {
    discard;
  }
  if (frame.showParts > 0.5) {
    return Shaded(vec4f(0.0, normal.w / 255.0, 1.0, 1.0), place.z);
  }
  var n = normal.xyz;
  if (normal.w == 0.0) {
    n = skinNormal(place.xy, dx, dy, dpx, dpy, n);
  }
  let light = shadeSurface(max(i32(normal.w), 0), place.xy, dx, dy, position, n, eye);
  return Shaded(toOutput(light), place.z);
}
