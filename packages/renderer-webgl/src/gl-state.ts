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

const SWITCHES = [
  'BLEND',
  'CULL_FACE',
  'DEPTH_TEST',
  'POLYGON_OFFSET_FILL',
  'RASTERIZER_DISCARD',
  'SCISSOR_TEST',
  'STENCIL_TEST',
] as const;

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
  const cullFace = gl.getParameter(gl.CULL_FACE_MODE);
  const colourMask = gl.getParameter(gl.COLOR_WRITEMASK);
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
    gl.cullFace(cullFace);
    gl.colorMask(colourMask[0], colourMask[1], colourMask[2], colourMask[3]);
    gl.depthMask(depthMask);
    gl.depthFunc(depthFunc);
    for (const [name, enabled] of switches) {
      if (enabled) gl.enable(name);
      else gl.disable(name);
    }
  }
}

const TEXTURE_TARGETS = ['TEXTURE_2D', 'TEXTURE_3D', 'TEXTURE_2D_ARRAY'] as const;

/** Runs `work`, which may bind textures and samplers of the first `count` units and set how pixels are unpacked, and puts all that back. */
export function keepTextureUnits(gl: WebGL2RenderingContext, count: number, work: () => void): void {
  const unpackBuffer = gl.getParameter(gl.PIXEL_UNPACK_BUFFER_BINDING);
  const pixelStore = PIXEL_STORE.map((name) => [gl[name], gl.getParameter(gl[name])] as const);
  const activeTexture = gl.getParameter(gl.ACTIVE_TEXTURE);
  const units = Array.from({ length: count }, (_, unit) => {
    gl.activeTexture(gl.TEXTURE0 + unit);
    const bound = TEXTURE_TARGETS.map((target) => [gl[target], gl.getParameter(gl[bindingName(target)])] as const);
    return { bound, sampler: gl.getParameter(gl.SAMPLER_BINDING) as WebGLSampler | null };
  });
  gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, null);
  gl.activeTexture(gl.TEXTURE0);
  for (const [name] of pixelStore)
    if (name !== gl.UNPACK_COLORSPACE_CONVERSION_WEBGL) gl.pixelStorei(name, name === gl.UNPACK_ALIGNMENT ? 1 : 0);
  try {
    work();
  } finally {
    units.forEach(({ bound, sampler }, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      for (const [target, texture] of bound) gl.bindTexture(target, texture);
      gl.bindSampler(unit, sampler);
    });
    gl.activeTexture(activeTexture);
    for (const [name, value] of pixelStore) gl.pixelStorei(name, value);
    gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, unpackBuffer);
  }
}

function bindingName(target: (typeof TEXTURE_TARGETS)[number]) {
  return `TEXTURE_BINDING_${target.slice('TEXTURE_'.length) as '2D' | '3D' | '2D_ARRAY'}` as const;
}

const STENCIL_FACES = [
  ['FRONT', 'STENCIL'],
  ['BACK', 'STENCIL_BACK'],
] as const;

/** Runs `draw`, which may set what the stencil does and bind a renderbuffer, and puts that back. */
export function keepStencil(gl: WebGL2RenderingContext, draw: () => void): void {
  const renderbuffer = gl.getParameter(gl.RENDERBUFFER_BINDING);
  const faces = STENCIL_FACES.map(([face, of]) => {
    const get = (name: 'FUNC' | 'REF' | 'VALUE_MASK' | 'WRITEMASK' | 'FAIL' | 'PASS_DEPTH_FAIL' | 'PASS_DEPTH_PASS') =>
      gl.getParameter(gl[`${of}_${name}`]) as number;
    return {
      face: gl[face],
      func: [get('FUNC'), get('REF'), get('VALUE_MASK')] as const,
      op: [get('FAIL'), get('PASS_DEPTH_FAIL'), get('PASS_DEPTH_PASS')] as const,
      mask: get('WRITEMASK'),
    };
  });
  try {
    draw();
  } finally {
    for (const { face, func, op, mask } of faces) {
      gl.stencilFuncSeparate(face, ...func);
      gl.stencilOpSeparate(face, ...op);
      gl.stencilMaskSeparate(face, mask);
    }
    gl.bindRenderbuffer(gl.RENDERBUFFER, renderbuffer);
  }
}
