// Meshes that lie just outside of the surface: where a pixel's ray may begin. In: vertices. Out: clip position; depth is all that is drawn.
layout(location = 0) in vec3 position;

uniform mat4 clipFromAvatar;

void main() {
  gl_Position = clipFromAvatar * vec4(position, 1.0);
}
