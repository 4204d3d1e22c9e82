// Relief finer than the surface. World space. Twin: perturbNormal in ../../normal-map.ts. Who includes it declares `normalMap`
// (linear; 255ths of (x + 1) / 2: x along u, y up the picture, which is against v, z outward, as in glTF) and `albedoSampler`.

// n: the unit normal. relief: what the map says. dpx, dpy, dx, dy: how position and uv change from pixel to pixel.
fn perturbNormal(n: vec3f, relief: vec3f, dpx: vec3f, dpy: vec3f, dx: vec2f, dy: vec2f) -> vec3f {
  // The gradients of u and v along the surface, up to a factor (Schueler 2013, "Normal Mapping Without Precomputed Tangents"), whose sign is the pixels' order seen from outside.
  let across = cross(dpy, n);
  let along = cross(n, dpx);
  let alongU = across * dx.x + along * dy.x;
  let alongV = across * dx.y + along * dy.y;
  let longest = max(dot(alongU, alongU), dot(alongV, alongV));
  let factor = sign(dot(dpx, across)) * inverseSqrt(max(longest, 1e-30));
  return normalize(n * relief.z + (alongU * relief.x - alongV * relief.y) * factor);
}

// Where neighbouring pixels see this far apart on the chart they see other folds: there is no saying which way u runs.
const WIDEST_RELIEF = 0.03;

// normalScale multiplies x and y.
fn addRelief(normalScale: f32, uv: vec2f, dx: vec2f, dy: vec2f, dpx: vec3f, dpy: vec3f, n: vec3f) -> vec3f {
  let relief = textureSampleGrad(normalMap, albedoSampler, uv, dx, dy).xyz * 2.0 - 1.0;
  if (max(length(dx), length(dy)) > WIDEST_RELIEF) {
    return n;
  }
  return perturbNormal(n, relief * vec3f(normalScale, normalScale, 1.0), dpx, dpy, dx, dy);
}
