// Traces and shades a baked face. In: the inner sides of the bounds, so that each pixel of them is drawn once, from inside as well. Out: colour and depth.
// Needs chunks/field, trace, shading, surface-light, surface and output.wgsl, and skinNormal of ../webgpu/relief.ts.
@group(0) @binding(0) var<uniform> frame: Frame;
@group(1) @binding(0) var<uniform> field: Field;
@group(3) @binding(0) var proxyDepth: texture_depth_2d; // of proxy.wgsl: no surface lies before it; 1 where there is none at all

@vertex
fn vertexMain(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
  let axis = index / 12;
  let side = (index / 6) & 1;
  var corners = array(vec2u(0, 0), vec2u(1, 0), vec2u(0, 1), vec2u(0, 1), vec2u(1, 0), vec2u(1, 1));
  var uv = corners[index % 6];
  // Seen from inside, both sides of an axis wind alike.
  if (side == 1) {
    uv = uv.yx;
  }
  var place: vec3f;
  place[axis] = f32(side);
  place[(axis + 1) % 3] = f32(uv.x);
  place[(axis + 2) % 3] = f32(uv.y);
  var clip = frame.clipFromAvatar * vec4f(mix(field.boundsMin, field.boundsMax, place), 1.0);
  // The box may reach beyond the far plane when what is inside does not.
  clip.z = min(clip.z, clip.w);
  return clip;
}

struct Traced {
  @location(0) colour: vec4f,
  @builtin(frag_depth) depth: f32,
}

@fragment
fn fragmentMain(@builtin(position) pixel: vec4f) -> Traced {
  let place = pixel.xy - frame.viewport.xy;
  let ndc = (place / frame.viewport.zw * 2.0 - 1.0) * vec2f(1.0, -1.0);
  var ray = castRay(ndc);
  let before = textureLoad(proxyDepth, vec2i(place), 0);
  let begin = frame.avatarFromClip * vec4f(ndc, before, 1.0);
  let start = max(ray.entry, dot(begin.xyz / begin.w - ray.origin, ray.direction));
  if (before == 1.0) {
    ray.exit = -1.0;
  }
  let t = traceRay(ray, start);
  let p = ray.origin + t * ray.direction;
  let uv = uvAt(p, (t - askedAt) * ray.direction);
  let dx = dpdx(uv);
  let dy = dpdy(uv);
  let m = frame.worldFromAvatar;
  let position = (m * vec4f(p, 1.0)).xyz;
  let dpx = dpdx(position);
  let dpy = dpdy(position);
  if (t < 0.0) {
    discard;
  }
  let turn = mat3x3f(m[0].xyz, m[1].xyz, m[2].xyz) * (1.0 / length(m[0].xyz));
  var n = turn * normalAt(p);
  if (nearestPart == 0) {
    n = skinNormal(uv, dx, dy, dpx, dpy, n);
  }
  let light = shadeSurface(nearestPart, uv, dx, dy, position, n, turn * -ray.direction);
  let clip = frame.clipFromAvatar * vec4f(p, 1.0);
  return Traced(toOutput(light), clip.z / clip.w);
}
