import { readFile, writeFile } from 'node:fs/promises';
import { exportGlb, loadFaceModel } from '@implicit-faces/avatar';
import { encodePng } from '@implicit-faces/avatar/node';
import { manifestUrl, modelUrl } from '@implicit-faces/face-model';
import { invertImage } from '@implicit-faces/inversion';
import { loadLandmarker } from '@implicit-faces/landmarks';
import { decodeImage, modelFiles } from '@implicit-faces/landmarks/node';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import * as ort from 'onnxruntime-node';

const [photo = '../photos/astronaut.png', out = 'avatar.glb'] = process.argv.slice(2);

const manifest = parseManifest(JSON.parse(await readFile(manifestUrl, 'utf8')));
const model = await loadFaceModel({ ort, files: directoryFiles(modelUrl), manifest });
const landmarks = await loadLandmarker({ ort, files: modelFiles() });

const avatar = await invertImage(await decodeImage(photo), { ort, model, landmarks, preset: 'default', seed: 0 });
await writeFile(out, await exportGlb(model, avatar, { encodePng }));
console.log(`${out}: ${avatar.inversion.steps} steps, ${avatar.inversion.seconds.total.toFixed(0)} s`);
