// What `gzipBytes` is of: a page that draws an avatar by the baked and the mesh path, without three.js.
export { createAvatarRenderer, createBakedRenderer, FACE_GLOSS, renderExact } from '@implicit-faces/renderer-webgl';
