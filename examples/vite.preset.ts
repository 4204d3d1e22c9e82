import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/** The face model's files by their place on the page: model/manifest.json, model/weights/... */
function faceModelFiles(): Map<string, string> {
  const example = createRequire(join(process.cwd(), 'package.json'));
  const manifest = process.env.FACE_MODEL ?? example.resolve('@implicit-faces/face-model/manifest.json');
  const entries: { path: string }[] = Object.values(JSON.parse(readFileSync(manifest, 'utf8')).files);
  const paths = ['manifest.json', ...entries.map(({ path }) => path)];
  return new Map(paths.map((path) => [`model/${path}`, join(dirname(manifest), path)]));
}

/** Serves the face model, and copies it when building. */
const faceModel: Plugin = {
  name: 'face-model',
  configureServer(server) {
    const files = faceModelFiles();
    server.middlewares.use((request, response, next) => {
      const file = files.get(request.url!.slice(1));
      if (file) response.end(readFileSync(file));
      else next();
    });
  },
  generateBundle() {
    for (const [fileName, file] of faceModelFiles())
      this.emitFile({ type: 'asset', fileName, source: readFileSync(file) });
  },
};

// Threads in WebAssembly need a page that is isolated from others.
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  appType: 'mpa', // what is missing is a 404, not the page again
  plugins: [faceModel],
  server: { headers },
  preview: { headers },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 2000 },
});
