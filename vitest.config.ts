import { playwright } from '@vitest/browser-playwright';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import type { BrowserCommand } from 'vitest/node';
import { CHROMIUM_ARGS, findChromium, WEBGPU_ARGS } from './packages/test-utils/src/chromium.ts';
import { compareWithGolden, type GoldenOptions } from './packages/test-utils/src/golden.ts';

/** Imports shaders as text, as tsup.preset.ts does when building. */
const shaderText: Plugin = {
  name: 'shader-text',
  enforce: 'pre',
  transform: (code, id) => (/\.(glsl|wgsl)$/.test(id) ? `export default ${JSON.stringify(code)}` : undefined),
};

/** Lets a browser test compare pixels (base64 of RGBA, top row first) with a stored picture. */
const compareWithGoldenCommand: BrowserCommand<
  [pixels: string, width: number, height: number, file: string, options: GoldenOptions]
> = (_context, pixels, width, height, file, options) =>
  compareWithGolden({ data: Buffer.from(pixels, 'base64'), width, height }, file, options);

const shared = {
  plugins: [shaderText],
  // Packages are tested from their sources, see CONTRIBUTING.md.
  resolve: { conditions: ['source', 'module', 'import', 'default'] },
  ssr: { resolve: { conditions: ['source', 'module', 'import', 'node', 'default'] } },
};
const setupFiles = ['./packages/test-utils/src/setup.ts'];

const chromium = findChromium();
if (!chromium) {
  const message = 'Chromium was not found, so NO BROWSER TEST RUNS. Install it, or set CHROMIUM_PATH to its file.';
  if (process.env.CI === 'true') throw new Error(message);
  console.warn(`\n${'!'.repeat(100)}\n!! ${message}\n${'!'.repeat(100)}\n`);
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        ...shared,
        test: {
          name: 'node',
          setupFiles,
          include: ['{packages,examples}/*/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.browser.test.ts'],
          testTimeout: 60_000,
        },
      },
      ...(chromium
        ? [
            {
              ...shared,
              // SharedArrayBuffer, hence threads in ONNX Runtime's WebAssembly, needs cross-origin isolation.
              server: {
                headers: {
                  'Cross-Origin-Opener-Policy': 'same-origin',
                  'Cross-Origin-Embedder-Policy': 'require-corp',
                },
              },
              optimizeDeps: { exclude: ['onnxruntime-web', 'three'] },
              test: {
                name: 'browser',
                setupFiles,
                include: ['{packages,examples}/*/test/**/*.browser.test.ts'],
                testTimeout: 120_000,
                browser: {
                  enabled: true,
                  headless: true,
                  screenshotFailures: false,
                  commands: { compareWithGolden: compareWithGoldenCommand },
                  provider: playwright({
                    launchOptions: { executablePath: chromium, args: [...CHROMIUM_ARGS, ...WEBGPU_ARGS] },
                  }),
                  instances: [{ browser: 'chromium' as const }],
                },
              },
            },
          ]
        : []),
    ],
  },
});
