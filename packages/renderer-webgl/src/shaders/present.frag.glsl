// Brings what was traced into the picture. In: the box's fragments. Out: colour, and the depth of the surface. Needs chunks/shading.glsl.
uniform highp usampler2D hitDepth;
uniform sampler2D traced;     // linear, as baked.frag.glsl left it
uniform vec2 viewportOrigin;  // pixels
uniform bool encodeOutput;

out vec4 colour;

void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy - viewportOrigin);
  uint depth = texelFetch(hitDepth, pixel, 0).r;
  if (depth <= 1u) discard;
  vec3 light = texelFetch(traced, pixel, 0).rgb;
  colour = vec4(encodeOutput ? encodeSrgb(light) : light, 1.0);
  gl_FragDepth = mix(gl_DepthRange.near, gl_DepthRange.far, uintBitsToFloat(depth));
}
