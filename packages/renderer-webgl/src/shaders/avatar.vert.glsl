// In: a part's vertices in world space. Out: clip position; world position and normal, and UV, for avatar.frag.glsl.
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv;

uniform mat4 clipFromCamera;
uniform mat4 cameraFromWorld;

out vec3 worldPosition;
out vec3 worldNormal;
out vec2 texturePlace;

void main() {
  worldPosition = position;
  worldNormal = normal;
  texturePlace = uv;
  gl_Position = clipFromCamera * (cameraFromWorld * vec4(position, 1.0));
}
