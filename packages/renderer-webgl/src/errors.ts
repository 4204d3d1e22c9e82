/**
 * What an error of this package is about, the `code` of its FaceError: no WebGL2 or WebGPU; a lost WebGPU device; a shader that does not compile or link; numbers
 * that do not fit together; a part that was never set; a renderer that was disposed of;
 * a bake before anybody's face was set; an option out of its range.
 */
export type RendererErrorCode =
  | 'NO_WEBGL2'
  | 'NO_WEBGPU'
  | 'DEVICE_LOST'
  | 'SHADER'
  | 'SHAPE'
  | 'UNKNOWN_PART'
  | 'DISPOSED'
  | 'NO_IDENTITY'
  | 'RANGE';
