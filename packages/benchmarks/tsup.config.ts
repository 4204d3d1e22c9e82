import { library } from '../../tsup.preset.js';

/** What runs in Chromium: everything in one file, ONNX Runtime served beside it. */
const page = (name: string, entry: string) =>
  library({
    entry: { [name]: entry },
    dts: false,
    clean: false,
    sourcemap: false,
    platform: 'browser',
    minify: true,
    noExternal: [/.*/],
  });

export default [
  library({
    entry: ['src/evaluate-model.ts', 'src/evaluate.ts', 'src/evaluate-video.ts', 'src/bench-render.ts'],
    dts: false,
  }),
  page('render-page', 'src/render/page.ts'),
  page('render-core', 'src/render/core.ts'),
];
