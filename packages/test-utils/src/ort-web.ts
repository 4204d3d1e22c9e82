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
