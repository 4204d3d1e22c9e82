// Relief finer than the surface. World space. Twin: perturbNormal in ../../normal-map.ts.
uniform sampler2D normalMap; // linear; 255ths of (x + 1) / 2: x along u, y up the picture, which is against v, z outward, as in glTF
uniform float normalScale;   // of x and y

// n: the unit normal. relief: what the map says. dpx, dpy, dx, dy: how position and uv change from pixel to pixel.
vec3 perturbNormal(vec3 n, vec3 relief, vec3 dpx, vec3 dpy, vec2 dx, vec2 dy) {
  // The gradients of u and v along the surface, up to a factor (Schueler 2013, "Normal Mapping Without Precomputed Tangents"), whose sign is the pixels' order seen from outside.
  vec3 across = cross(dpy, n);
  vec3 along = cross(n, dpx);
  vec3 alongU = across * dx.x + along * dy.x;
  vec3 alongV = across * dx.y + along * dy.y;
  float longest = max(dot(alongU, alongU), dot(alongV, alongV));
  float factor = sign(dot(dpx, across)) * inversesqrt(max(longest, 1e-30));
  return normalize(n * relief.z + (alongU * relief.x - alongV * relief.y) * factor);
}

// Where neighbouring pixels see this far apart on the chart they see other folds: there is no saying which way u runs.
const float WIDEST_RELIEF = 0.03;

// What the map makes of the normal.
vec3 addRelief(vec2 uv, vec2 dx, vec2 dy, vec3 dpx, vec3 dpy, vec3 n) {
  vec3 relief = textureGrad(normalMap, uv, dx, dy).xyz * 2.0 - 1.0;
  if (max(length(dx), length(dy)) > WIDEST_RELIEF) return n;
  return perturbNormal(n, relief * vec3(normalScale, normalScale, 1.0), dpx, dpy, dx, dy);
}
