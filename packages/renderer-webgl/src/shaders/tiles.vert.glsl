// A point over each tile of the viewport in which a pixel wants the program; the others are put aside. A software rasteriser runs a program for all that is covered,
// whatever depth and stencil say later, so that what is covered has to be little. In: none, as many vertices as tiles. Out: points.
uniform highp usampler2D wants; // per pixel, lowest two bits: the program
uniform uint wanted;
uniform int tile;               // pixels along a side
uniform ivec2 tiles;            // along the sides of the rectangle that has to be looked at
uniform ivec2 corner;           // of that, pixels

void main() {
  ivec2 size = textureSize(wants, 0);
  // Those at the far sides are moved inward, for a point whose middle is outside is not drawn.
  ivec2 origin = max(min(corner + ivec2(gl_VertexID % tiles.x, gl_VertexID / tiles.x) * tile, size - tile), 0);
  bool found = false;
  // Without divisions for a pixel's place: software divides integers one by one.
  for (int y = 0; y < tile && !found; y++)
    for (int x = 0; x < tile && !found; x++)
      found = (texelFetch(wants, min(origin + ivec2(x, y), size - 1), 0).r & 3u) == wanted;
  vec2 middle = min(vec2(origin + tile / 2), vec2(size) - 0.5);
  gl_Position = found ? vec4(middle / vec2(size) * 2.0 - 1.0, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = float(tile);
}
