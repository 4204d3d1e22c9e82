const PIXEL_STORE = [
  'UNPACK_ALIGNMENT',
  'UNPACK_COLORSPACE_CONVERSION_WEBGL',
  'UNPACK_FLIP_Y_WEBGL',
  'UNPACK_IMAGE_HEIGHT',
  'UNPACK_PREMULTIPLY_ALPHA_WEBGL',
  'UNPACK_ROW_LENGTH',
  'UNPACK_SKIP_IMAGES',
  'UNPACK_SKIP_PIXELS',
  'UNPACK_SKIP_ROWS',
] as const;

const SWITCHES = ['BLEND', 'CULL_FACE', 'DEPTH_TEST', 'POLYGON_OFFSET_FILL', 'RASTERIZER_DISCARD'] as const;

/** Runs `upload`, which may bind buffers, a vertex array and textures of unit 0 and set how pixels are unpacked, and puts all that back. */
export function keepBindings(gl: WebGL2RenderingContext, upload: () => void): void {
  const vertexArray = gl.getParameter(gl.VERTEX_ARRAY_BINDING);
  const arrayBuffer = gl.getParameter(gl.ARRAY_BUFFER_BINDING);
  const unpackBuffer = gl.getParameter(gl.PIXEL_UNPACK_BUFFER_BINDING);
  const pixelStore = PIXEL_STORE.map((name) => [gl[name], gl.getParameter(gl[name])] as const);
  const activeTexture = gl.getParameter(gl.ACTIVE_TEXTURE);
  gl.activeTexture(gl.TEXTURE0);
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  try {
    upload();
  } finally {
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.activeTexture(activeTexture);
    for (const [name, value] of pixelStore) gl.pixelStorei(name, value);
    gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, unpackBuffer);
    gl.bindVertexArray(vertexArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, arrayBuffer);
  }
}

/** Runs `draw`, which may change what drawing opaque surfaces takes (the lists here), and puts all that back. */
export function keepDrawState(gl: WebGL2RenderingContext, draw: () => void): void {
  const switches = SWITCHES.map((name) => [gl[name], gl.isEnabled(gl[name])] as const);
  const depthFunc = gl.getParameter(gl.DEPTH_FUNC);
  const depthMask = gl.getParameter(gl.DEPTH_WRITEMASK);
  const frontFace = gl.getParameter(gl.FRONT_FACE);
  const viewport = gl.getParameter(gl.VIEWPORT);
  const framebuffer = gl.getParameter(gl.DRAW_FRAMEBUFFER_BINDING);
  const program = gl.getParameter(gl.CURRENT_PROGRAM);
  const vertexArray = gl.getParameter(gl.VERTEX_ARRAY_BINDING);
  const activeTexture = gl.getParameter(gl.ACTIVE_TEXTURE);
  gl.activeTexture(gl.TEXTURE0);
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  const sampler = gl.getParameter(gl.SAMPLER_BINDING);
  try {
    draw();
  } finally {
    gl.bindSampler(0, sampler);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.activeTexture(activeTexture);
    gl.bindVertexArray(vertexArray);
    gl.useProgram(program);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, framebuffer);
    gl.viewport(viewport[0], viewport[1], viewport[2], viewport[3]);
    gl.frontFace(frontFace);
    gl.depthMask(depthMask);
    gl.depthFunc(depthFunc);
    for (const [name, enabled] of switches) {
      if (enabled) gl.enable(name);
      else gl.disable(name);
    }
  }
}
