import type { Options } from 'tsup';

/**
 * Build settings that every package shares: ES modules with types and source maps, shaders as text.
 * A package's tsup.config.ts is `export default library()`, or `library({ entry: ['src/index.ts', 'src/node.ts'] })`.
 */
export function library(options: Options = {}): Options {
  return {
    entry: ['src/index.ts'],
    format: ['esm'],
    target: 'es2022',
    // Sibling packages are read through their built types, as a user of the published package would.
    dts: { compilerOptions: { customConditions: [] } },
    sourcemap: true,
    clean: true,
    silent: true,
    loader: { '.glsl': 'text', '.wgsl': 'text' },
    ...options,
  };
}
