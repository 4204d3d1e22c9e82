// A box's inner sides, so that each pixel of it is drawn once, from inside as well. In: none, 36 vertices. Out: clip position.
uniform mat4 clipFromAvatar;
uniform vec3 boundsMin;
uniform vec3 boundsMax;

void main() {
  int axis = gl_VertexID / 12;
  int side = (gl_VertexID / 6) & 1;
  int corner = gl_VertexID % 6;
  ivec2 uv = ivec2[](ivec2(0, 0), ivec2(1, 0), ivec2(0, 1), ivec2(0, 1), ivec2(1, 0), ivec2(1, 1))[corner];
  // Seen from inside, both sides of an axis wind alike.
  if (side == 1) uv = uv.yx;
  vec3 place;
  place[axis] = float(side);
  place[(axis + 1) % 3] = float(uv.x);
  place[(axis + 2) % 3] = float(uv.y);
  gl_Position = clipFromAvatar * vec4(mix(boundsMin, boundsMax, place), 1.0);
  // The box may reach beyond the far plane when what is inside does not.
  gl_Position.z = min(gl_Position.z, gl_Position.w);
}
