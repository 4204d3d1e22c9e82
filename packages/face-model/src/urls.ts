// Both src/ and dist/ lie one folder below the package's root.

/** The model's folder: what `directoryFiles` of `@implicit-faces/runtime/node` and `urlFiles` of `@implicit-faces/runtime` take. */
export const modelUrl: URL = /* @__PURE__ */ new URL(/* @vite-ignore */ '../', import.meta.url);

/** The model's manifest, for `parseManifest` of `@implicit-faces/runtime`: code sizes, files with their hashes, networks with their shapes. */
export const manifestUrl: URL = /* @__PURE__ */ new URL('../manifest.json', import.meta.url);
