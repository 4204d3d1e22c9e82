import {
  type Avatar,
  avatarMeshes,
  exportGlb,
  loadAvatar,
  loadFaceModel,
  type PartMesh,
  saveAvatar,
} from '@implicit-faces/avatar';
import {
  type BakedRenderer,
  type Baker,
  createBaker,
  pickMeshes,
  type Region,
  rotateLighting,
} from '@implicit-faces/renderer-webgl';
import { parseManifest, urlFiles } from '@implicit-faces/runtime';
import { loadSdfLayers } from '@implicit-faces/sdf-core';
import loaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';
import { averageFace } from './average-face.js';
import {
  addSlider,
  type Bytes,
  encodePng,
  fetchBytes,
  inTurn,
  onClick,
  onFile,
  onSwitch,
  saveFile,
  showError,
  showStatus,
} from './page.js';
import { createPaintPanel } from './paint.js';
import { createShadedSkin, type ShadedSkin } from './shaded-skin.js';
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
  const canvas = document.querySelector<HTMLCanvasElement>('#view')!;
  const view = createView(canvas);

  // Where Vite puts ONNX Runtime's files.
  ort.env.wasm.wasmPaths = { mjs: loaderUrl, wasm: wasmUrl };
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 4) : 1;
  const files = urlFiles(new URL('model/', document.baseURI));
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
  const model = await loadFaceModel({ ort, files, manifest });
  const { matrix } = model.uv.topology.rig; // [De, 52]

  let avatar: Avatar | undefined;
  let skin: ShadedSkin | undefined;
  let shown: Avatar | undefined;
  let meshes: PartMesh[] = [];
  /** What sphere tracing takes, once it is wanted. */
  let tracing: { baker: Baker; volume: BakedRenderer; shown?: Avatar } | undefined;
  let photoShare = 1;
  let lightRad = 0;
  const arkitWeights = new Float32Array(manifest.arkitNames.length);

  const paintOn = createPaintPanel(
    canvas,
    (x, y) => {
      const hit = pickMeshes(meshes, view.castRay(x, y));
      return hit?.part === 'skin' ? hit.uv : undefined;
    },
    (region) => {
      skin?.update(region);
      showSkin(region);
      view.draw();
    },
  );

  /** Shows what changed of the skin's image; that of an avatar that was just opened is shown with the avatar. */
  function showSkin(region?: Region): void {
    if (!skin || shown !== avatar) return;
    view.mesh.updateImage(skin.image, region);
    tracing?.volume.setAlbedo(skin.image, region);
  }

  /** Shows the avatar with the sliders' expression. */
  const pose = inTurn(async () => {
    if (!avatar || !skin) return;
    const [posed, { image }] = [avatar, skin];
    const expression = posed.expressionCode.map((weight, row) =>
      arkitWeights.reduce((sum, w, i) => sum + w * matrix[row * arkitWeights.length + i], photoShare * weight),
    );
    meshes = await avatarMeshes(model, { ...posed, albedo: image }, { expression });
    if (posed !== shown) view.mesh.setMeshes(meshes);
    else for (const { name, positions, normals } of meshes) view.mesh.updatePositions(name, positions, normals);
    shown = posed;
    if (tracing && view.shown === tracing.volume) await trace(tracing, posed, expression);
    view.draw();
  });

  /** Bakes the face: at once nearly, then exactly. */
  async function trace(to: NonNullable<typeof tracing>, posed: Avatar, expression: Float32Array): Promise<void> {
    const { baker, volume } = to;
    if (to.shown !== posed) {
      await baker.setIdentity(posed.geometryCode);
      volume.setAlbedo(meshes[0].image);
      volume.setPartAlbedos(Object.fromEntries(meshes.slice(1).map(({ name, image }) => [name, image])));
      to.shown = posed;
    } else {
      volume.setBake(await baker.quickBake(expression));
      view.draw();
    }
    volume.setBake(await baker.bake(expression));
  }

  function light(): void {
    if (!avatar || !skin) return;
    const lighting = rotateLighting(avatar.lighting, lightRad);
    view.mesh.setLighting(lighting);
    tracing?.volume.setLighting(lighting);
    if (skin.setLighting(lighting)) showSkin();
    view.draw();
  }

  async function show(given: Avatar): Promise<void> {
    avatar = { ...given, albedo: paintOn(given.albedo) as Avatar['albedo'] };
    skin = createShadedSkin(avatar);
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
  onSwitch('#trace', async (on) => {
    showStatus('loading', 'Baking the face…');
    if (on && !tracing) {
      const baker = await createBaker({
        manifest,
        layers: await loadSdfLayers({ ort, files, manifest }),
        uv: model.uv,
      });
      tracing = { baker, volume: view.createVolume(baker.fixed) };
      light();
    }
    view.shown = on && tracing ? tracing.volume : view.mesh;
    await pose();
    showStatus('ready');
  });
  onClick('#save-avatar', () => saveFile('avatar.safetensors', saveAvatar(avatar!), 'application/octet-stream'));
  onClick('#save-glb', async () => {
    showStatus('loading', 'Writing the GLB file…');
    saveFile('avatar.glb', await exportGlb(model, avatar!, { encodePng }), 'model/gltf-binary');
    showStatus('ready');
  });
}

main().catch(showError);
