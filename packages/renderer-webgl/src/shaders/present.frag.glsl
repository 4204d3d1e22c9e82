// Brings what was traced into the picture. In: the box's fragments. Out: colour, and the depth of the surface. Needs chunks/output.glsl.
uniform highp usampler2D hitDepth;
uniform sampler2D traced;     // linear, as baked.frag.glsl left it
uniform vec2 viewportOrigin;  // pixels

out vec4 colour;

void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy - viewportOrigin);
  uint depth = texelFetch(hitDepth, pixel, 0).r;
  if (depth <= 1u) discard;
  colour = toOutput(texelFetch(traced, pixel, 0).rgb);
  gl_FragDepth = mix(gl_DepthRange.near, gl_DepthRange.far, uintBitsToFloat(depth));
}
