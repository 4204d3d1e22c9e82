// Inverts a photo away from the page: `start` begins, `cancel` stops.
import { loadFaceModel, type RgbaImage } from '@implicit-faces/avatar';
import { type Landmarker, loadLandmarker } from '@implicit-faces/landmarks';
import { type Device, type OrtRuntime, parseManifest, urlFiles } from '@implicit-faces/runtime';
import { ortForBrowserTests, ortWithWebGpu } from '@implicit-faces/test-utils/ort-web';
import { invertImage, type Progress } from '../../src/index.js';

/** A face of which the landmarks are known, for models that look like no face: see known-face.ts. */
export interface Known {
  /** RGBA, and the person's mask over it. */
  pixels: number[];
  mask: number[];
  width: number;
  height: number;
  /** `[468, 3]` */
  points: number[];
}

export type Request = { type: 'start'; model: string; device: Device; known?: Known } | { type: 'cancel' };

/** What of an avatar the page compares. */
export interface Found {
  geometryCode: Float32Array;
  expressionCode: Float32Array;
  textureCode: Float32Array;
  cameraFromWorld: number[];
  focalLengthPx: number;
  lighting: number[];
  landmarks: Float32Array;
  albedo: Uint8ClampedArray;
}

export type Answer =
  | { type: 'progress'; progress: Progress }
  | { type: 'found'; found: Found }
  | { type: 'failed'; name: string; message: string };

const scope = self as unknown as Worker;
const controller = new AbortController();

/** The astronaut. */
async function fetchPhoto(): Promise<RgbaImage> {
  const bitmap = await createImageBitmap(await (await fetch('/photo.png')).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

function knownLandmarker({ mask, width, height, points }: Known): Landmarker {
  const found = { points: Float32Array.from(points), score: 1 };
  return {
    detect: async () => ({ ...found, box: { x: 0, y: 0, width, height }, faceCount: 1 }),
    track: async () => found,
    mask: async () => ({ data: Uint8Array.from(mask), width, height }),
    dispose: async () => {},
  };
}

async function invert(folder: string, device: Device, known?: Known): Promise<Found> {
  const ort = (await (device === 'webgpu' ? ortWithWebGpu() : ortForBrowserTests())) as OrtRuntime;
  const files = urlFiles(new URL(folder, location.origin));
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
  const model = await loadFaceModel({ ort, files, manifest, device });
  const landmarks = known
    ? knownLandmarker(known)
    : await loadLandmarker({ ort, files: urlFiles(new URL('/landmarks', location.origin)), device });
  const photo = known ? { ...known, data: Uint8ClampedArray.from(known.pixels) } : await fetchPhoto();
  const avatar = await invertImage(photo, {
    ...{ ort, model, landmarks },
    preset: 'fast',
    signal: controller.signal,
    onProgress: (progress) => scope.postMessage({ type: 'progress', progress } satisfies Answer),
  });
  const { geometryCode, expressionCode, textureCode, camera, lighting, albedo, inversion } = avatar;
  return {
    ...{ geometryCode, expressionCode, textureCode },
    cameraFromWorld: Array.from(camera.cameraFromWorld),
    focalLengthPx: camera.focalLengthPx,
    lighting: Array.from(lighting),
    landmarks: inversion.landmarks,
    albedo: albedo.data,
  };
}

scope.onmessage = async ({ data }: MessageEvent<Request>) => {
  if (data.type === 'cancel') {
    controller.abort();
    return;
  }
  try {
    const found = await invert(data.model, data.device, data.known);
    scope.postMessage({ type: 'found', found } satisfies Answer, [found.albedo.buffer as ArrayBuffer]);
  } catch (error) {
    const { name, message } = error as Error;
    scope.postMessage({ type: 'failed', name, message } satisfies Answer);
  }
};
