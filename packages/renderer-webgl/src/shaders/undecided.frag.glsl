// Marks, in a texture and by the stencil, the pixels that need the whole field: those whose rays begin near eyes or mouth, and those that a quicker program left to it.
uniform highp usampler2D proxyDepth;
uniform highp usampler2D hitDepth;

out uint program;

const uint WHOLE = 3u;

void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy);
  program = WHOLE;
  if ((texelFetch(proxyDepth, pixel, 0).r & 3u) != WHOLE && texelFetch(hitDepth, pixel, 0).r != 1u) discard;
}
