import { loadFaceModel, partImage } from '@implicit-faces/avatar';
import { createBaker, FACE_GLOSS } from '@implicit-faces/renderer-webgl';
import { AvatarVolume } from '@implicit-faces/renderer-webgl/three';
import { parseManifest, urlFiles } from '@implicit-faces/runtime';
import { createExpression, loadSdfLayers } from '@implicit-faces/sdf-core';
import { bakeAlbedo, encodeSrgb } from '@implicit-faces/uv-param';
import loaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';
import * as THREE from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import { EffectComposer } from 'three/addons/postprocessing/EffectComposer.js';
import { OutputPass } from 'three/addons/postprocessing/OutputPass.js';
import { RenderPass } from 'three/addons/postprocessing/RenderPass.js';
import { UnrealBloomPass } from 'three/addons/postprocessing/UnrealBloomPass.js';
import { bloom } from 'three/addons/tsl/display/BloomNode.js';
import { pass } from 'three/tsl';
import { RenderPipeline, WebGPURenderer } from 'three/webgpu';

// A scene as anybody has one, drawn with WebGL2, or with WebGPU where the address ends in ?webgpu.
const isWebGpu = new URLSearchParams(location.search).has('webgpu');
const renderer = isWebGpu ? new WebGPURenderer() : new THREE.WebGLRenderer();
document.body.append(renderer.domElement);
const scene = new THREE.Scene();
const camera = new THREE.PerspectiveCamera(30, 1, 0.05, 10);
camera.position.set(0.25, 0, 0.9);
const controls = new OrbitControls(camera, renderer.domElement);
scene.add(new THREE.HemisphereLight(0xbfd4ff, 0x40302a, 1.5));
const sun = new THREE.DirectionalLight(0xffe0b0, 2.5);
sun.position.set(1, 1, 1);
scene.add(sun);
const ring = new THREE.Mesh(
  new THREE.TorusGeometry(0.2, 0.012, 24, 96),
  new THREE.MeshStandardMaterial({ color: 0x4080ff, emissive: 0x2050ff, emissiveIntensity: 2, roughness: 0.3 }),
);
ring.rotation.x = 1.3;
scene.add(ring);
const effects = renderer instanceof WebGPURenderer ? createPipeline(renderer) : createComposer(renderer);

// The face in its middle.
ort.env.wasm.wasmPaths = { mjs: loaderUrl, wasm: wasmUrl };
const files = urlFiles(new URL('model/', document.baseURI));
const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
const model = await loadFaceModel({ ort, files, manifest });
const layers = await loadSdfLayers({ ort, files, manifest });
const baker = await createBaker({ manifest, layers, uv: model.uv });
await baker.setIdentity(new Float32Array(manifest.codes.geometry));
const atRest = createExpression(manifest, {});
const { data } = await bakeAlbedo(model.uv, new Float32Array(manifest.codes.texture), atRest, 512);
const face = new AvatarVolume({
  fixed: baker.fixed,
  gloss: FACE_GLOSS,
  albedo: { data: encodeSrgb(data), width: 512, height: 512 },
  partAlbedos: Object.fromEntries(model.uv.topology.parts.map((part) => [part.name, partImage(part)])),
});
face.setBake(await baker.bake(atRest));
await face.prepare(renderer);
scene.add(face);
document.querySelector('output')!.remove();

// A smile on a click: at once nearly, then exactly.
renderer.domElement.addEventListener('click', async () => {
  const smile = createExpression(manifest, { mouthSmile_L: 0.8, mouthSmile_R: 0.8 });
  face.setBake(await baker.quickBake(smile));
  face.setBake(await baker.bake(smile));
});

renderer.setAnimationLoop((time) => {
  ring.rotation.z = time / 2000;
  ring.position.y = 0.12 * Math.sin(time / 1500);
  controls.update();
  effects.render();
});
function resize(): void {
  camera.aspect = innerWidth / innerHeight;
  camera.updateProjectionMatrix();
  renderer.setSize(innerWidth, innerHeight);
  if ('setSize' in effects) effects.setSize(innerWidth, innerHeight);
}
addEventListener('resize', resize);
resize();

// Bloom, as either renderer has it.
function createComposer(webgl: THREE.WebGLRenderer): EffectComposer {
  const composer = new EffectComposer(webgl);
  composer.addPass(new RenderPass(scene, camera));
  composer.addPass(new UnrealBloomPass(new THREE.Vector2(512, 512), 0.4, 0.5, 0.9));
  composer.addPass(new OutputPass());
  return composer;
}
function createPipeline(webgpu: WebGPURenderer): RenderPipeline {
  const scenePass = pass(scene, camera);
  return new RenderPipeline(webgpu, scenePass.add(bloom(scenePass, 0.4, 0.5, 0.9)));
}
