import { type Avatar, avatarMeshes, loadAvatar, loadFaceModel } from '@implicit-faces/avatar';
import { rotateLighting } from '@implicit-faces/renderer-webgl';
import { parseManifest, urlFiles } from '@implicit-faces/runtime';
import loaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';
import { averageFace } from './average-face.js';
import { addSlider, type Bytes, fetchBytes, inTurn, onFile, showError, showStatus } from './page.js';
import { createView } from './view.js';

/** Which of ARKit's blendshapes each slider moves. */
const EXPRESSIONS: Record<string, string[]> = {
  'Open jaw': ['jawOpen'],
  Blink: ['eyeBlinkLeft', 'eyeBlinkRight'],
  Smile: ['mouthSmileLeft', 'mouthSmileRight'],
  Pucker: ['mouthPucker'],
  'Raise brows': ['browInnerUp', 'browOuterUpLeft', 'browOuterUpRight'],
  'Look left': ['eyeLookOutLeft', 'eyeLookInRight'],
};

async function main(): Promise<void> {
  const { renderer, draw } = createView(document.querySelector<HTMLCanvasElement>('#view')!);

  // Where Vite puts ONNX Runtime's files.
  ort.env.wasm.wasmPaths = { mjs: loaderUrl, wasm: wasmUrl };
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 4) : 1;
  const files = urlFiles(new URL('model/', document.baseURI));
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
  const model = await loadFaceModel({ ort, files, manifest });
  const { matrix } = model.uv.topology.rig; // [De, 52]

  let avatar: Avatar | undefined;
  let shown: Avatar | undefined;
  let photoShare = 1;
  let lightRad = 0;
  const arkitWeights = new Float32Array(manifest.arkitNames.length);

  /** Shows the avatar with the sliders' expression. */
  const pose = inTurn(async () => {
    const posed = avatar;
    if (!posed) return;
    const expression = posed.expressionCode.map((weight, row) =>
      arkitWeights.reduce((sum, w, i) => sum + w * matrix[row * arkitWeights.length + i], photoShare * weight),
    );
    const meshes = await avatarMeshes(model, posed, { expression });
    if (posed !== shown) renderer.setMeshes(meshes);
    else for (const { name, positions, normals } of meshes) renderer.updatePositions(name, positions, normals);
    shown = posed;
    draw();
  });

  function light(): void {
    if (avatar) renderer.setLighting(rotateLighting(avatar.lighting, lightRad));
    draw();
  }

  async function show(given: Avatar): Promise<void> {
    avatar = given;
    light();
    await pose();
    showStatus('ready');
  }

  async function open(bytes: Promise<Bytes>): Promise<void> {
    showStatus('loading', 'Opening the avatar…');
    await show(loadAvatar(await bytes, manifest));
  }

  const url = new URLSearchParams(location.search).get('avatar');
  const problem = url ? await open(fetchBytes(url)).catch((error: unknown) => error) : undefined;
  if (!avatar) await show(await averageFace(model));
  if (problem) showError(problem);

  for (const [label, names] of Object.entries(EXPRESSIONS)) {
    addSlider(label, [0, 1, 0], (value) => {
      for (const name of names) arkitWeights[manifest.arkitNames.indexOf(name)] = value;
      return pose();
    });
  }
  addSlider('Expression of the photo', [0, 1, 1], (value) => {
    photoShare = value;
    return pose();
  });
  addSlider('Turn the light', [-180, 180, 0], (degrees) => {
    lightRad = (degrees * Math.PI) / 180;
    light();
  });
  onFile((bytes) => open(bytes));
}

main().catch(showError);
