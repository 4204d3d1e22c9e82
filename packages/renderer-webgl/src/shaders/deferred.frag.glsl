// Shades surface points that were found elsewhere: the exact path's. In: one triangle over a tile of the picture, one texel a pixel.
// Out: colour and depth. Needs chunks/shading, surface-light, surface and output.glsl, with NORMAL_MAP normal-map.glsl.
uniform highp sampler2D surfaceNormal; // world space; w: the part, or -1 where nothing was hit
uniform highp sampler2D surfacePlace;  // uv, depth 0..1
uniform highp sampler2D surfacePosition; // metres, world space
uniform sampler2D toEye;               // world space
uniform vec2 tileOrigin;               // pixels

out vec4 colour;

void main() {
  ivec2 texel = ivec2(gl_FragCoord.xy - tileOrigin);
  vec4 normal = texelFetch(surfaceNormal, texel, 0);
  vec4 place = texelFetch(surfacePlace, texel, 0);
  vec3 eye = texelFetch(toEye, texel, 0).xyz;
  vec2 dx = dFdx(place.xy);
  vec2 dy = dFdy(place.xy);
  vec3 position = texelFetch(surfacePosition, texel, 0).xyz;
  vec3 n = normal.xyz;
#ifdef NORMAL_MAP
  // As all that compares neighbours, before some are left out.
  vec3 rough = addRelief(place.xy, dx, dy, dFdx(position), dFdy(position), n);
  if (normal.w == 0.0) n = rough;
#endif
  if (normal.w < 0.0) discard;
#ifdef COUNT_READS
  colour = vec4(0.0, normal.w / 255.0, 1.0, 1.0);
#else
  colour = toOutput(shadeSurface(int(normal.w), place.xy, dx, dy, position, n, eye));
#endif
  gl_FragDepth = mix(gl_DepthRange.near, gl_DepthRange.far, place.z);
}
