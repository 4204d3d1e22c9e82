import { expect, it } from 'vitest';
import { formatShaderError } from '../src/program.js';

const source = ['#version 300 es', 'in vec3 a;', 'void main() {', '  gl_Position = vec4(b, 1.0);', '}'].join('\n');

it('shows the faulty line between its neighbours, with a caret below the token', () => {
  const log = "ERROR: 0:4: 'b' : undeclared identifier\nERROR: 0:4: 'constructor' : not enough data provided\n";
  expect(formatShaderError('vertex', source, log)).toMatchInlineSnapshot(`
    "createProgram: the vertex shader does not compile: 'b': undeclared identifier
    2 | in vec3 a;
    3 | void main() {
    4 |   gl_Position = vec4(b, 1.0);
      |                      ^
    5 | }"
  `);
});

it('points at the line where the driver names no token', () => {
  expect(formatShaderError('fragment', source, 'ERROR: 0:4: syntax error')).toContain(
    '4 |   gl_Position = vec4(b, 1.0);\n  |   ^',
  );
});

it('passes on a log that it cannot read', () => {
  expect(formatShaderError('fragment', source, 'internal error')).toContain(
    'fragment shader does not compile: internal error',
  );
});
