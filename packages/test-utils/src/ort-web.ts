/// <reference path="./vite.d.ts" />
import loaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';

/** ONNX Runtime for browser tests: WebAssembly, two threads, its files served by the test's own server. */
export function ortForBrowserTests(): typeof ort {
  ort.env.wasm.wasmPaths = { mjs: loaderUrl, wasm: wasmUrl };
  ort.env.wasm.numThreads = 2;
  return ort;
}

/** The same with the WebGPU execution provider, which is a larger build of the runtime, loaded when it is asked for. */
export async function ortWithWebGpu(): Promise<typeof import('onnxruntime-web/webgpu')> {
  const [webgpu, loader, wasm] = await Promise.all([
    import('onnxruntime-web/webgpu'),
    import('onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'),
    import('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'),
  ]);
  webgpu.env.wasm.wasmPaths = { mjs: loader.default, wasm: wasm.default };
  webgpu.env.wasm.numThreads = 1;
  // That shapes are worked out by the processor is no news.
  webgpu.env.logLevel = 'error';
  return webgpu;
}
