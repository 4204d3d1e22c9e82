// All light that a place of the face sends to the eye, on every path. Linear RGB, world space. surface-light.glsl says what the block's members are; twin in ../../surface-light.ts.
// Needs chunks/shading.wgsl and `frame`, a uniform block with LIGHT_LAYOUT.

// material: f0, alpha, and what a lobe of that alpha leaves of orders 1 and 2.
fn computeSurfaceLight(albedo: vec3f, material: vec4f, position: vec3f, n: vec3f, toEye: vec3f) -> vec3f {
  // What is mirrored does not come back out of the skin.
  let share = environmentBrdf(material.x, material.y, max(dot(n, toEye), 1e-3));
  let matte = albedo * (1.0 - share);
  var light = matte * max(evaluateHarmonics(frame.lighting, vec2f(1.0), n), vec3f(0.0));
  light += share * max(evaluateHarmonics(frame.reflected, material.zw, reflect(-toEye, n)), vec3f(0.0));
  for (var i = 0; i < i32(frame.lightCount); i++) {
    let place = frame.lightPlaces[i];
    let toLight = place.xyz - place.w * position;
    let squared = max(dot(toLight, toLight), 1e-6);
    let arriving = frame.lightColours[i] / mix(1.0, squared, place.w);
    let direction = toLight * inverseSqrt(squared);
    // The first stands for the brightest side of the harmonics, whose matte share is in already.
    if (i > 0) {
      light += matte * arriving * max(dot(n, direction), 0.0);
    }
    light += computeHighlight(direction, arriving, material.xy, n, toEye);
  }
  return light;
}
