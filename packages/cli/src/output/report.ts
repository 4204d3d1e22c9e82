import type { InvertedAvatar, InvertedPhoto } from '@implicit-faces/inversion';

/** What `report.json` says. */
export interface InvertReport {
  /** Id of the face model. */
  model: string;
  preset: string;
  seed: number;
  /** Wall-clock seconds. `total` is `invertImage()` with its networks loaded, `process` the whole command up to this report. */
  seconds: InvertedAvatar['inversion']['seconds'] & { process: number };
  peakRssBytes: number;
  /** Photo against render.png inside face.png, 8-bit sRGB. `modelPsnrDb` is with the texture code alone, without texels from the photo. */
  image: { psnrDb: number; ssim: number; modelPsnrDb: number };
  /** Shares of the distance between the eyes' outer corners. */
  landmarks: {
    /** Landmarks detected again on render.png against the photo's; null when none are detected there. */
    nme: number | null;
    /** The model's 68 points as the camera sees them, against the photo's. */
    projectedNme: number;
    /** Those 68 points, metres, fitted expression. */
    points3d: number[][];
  };
  camera: { cameraFromWorld: number[]; focalLengthPx: number; principalPointPx: number[] };
  /** `[9][3]`, see docs/conventions.md. */
  lighting: number[][];
  /** Steps of the optimisation. */
  steps: number;
  /** What the codes started from, and for an encoder the vertex error in millimetres that it expected of them. */
  start: { codes: 'encoder' | 'landmarks'; expectedErrorMm: number | null };
  /** Where there were several photos, the figures above are of the first, and these are of each, in the order given. */
  photos?: PhotoReport[];
}

/** What `report.json` says of each of several photos. */
export interface PhotoReport {
  image: { psnrDb: number; ssim: number };
  landmarks: { projectedNme: number };
  camera: InvertReport['camera'];
  lighting: number[][];
  start: InvertReport['start'];
}

export interface Figures {
  image: InvertReport['image'];
  landmarks: Omit<InvertReport['landmarks'], 'points3d'>;
  /** `[68, 3]` metres. */
  points: Float32Array;
  photos?: PhotoReport[];
}

/** What a photo's report says of the photo itself. */
export function describePhoto({ camera, lighting, start, expectedErrorMm }: InvertedPhoto) {
  const { cameraFromWorld, focalLengthPx, principalPointPx } = camera;
  return {
    camera: { cameraFromWorld: Array.from(cameraFromWorld), focalLengthPx, principalPointPx: [...principalPointPx] },
    lighting: triples(Float32Array.from(lighting)),
    start: { codes: start, expectedErrorMm: expectedErrorMm ?? null },
  };
}

/** Puts the report together. Call it last: it reads the clock and the memory in use. */
export function createReport(avatar: InvertedAvatar, { image, landmarks, points, photos }: Figures): InvertReport {
  const { preset, seed, seconds, steps } = avatar.inversion;
  const { camera, lighting, start } = describePhoto(avatar.inversion.photos[0]);
  return {
    model: avatar.modelId,
    preset,
    seed,
    seconds: { ...seconds, process: performance.now() / 1000 },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    image,
    landmarks: { ...landmarks, points3d: triples(points) },
    camera,
    lighting,
    steps,
    start,
    ...(photos && { photos }),
  };
}

function triples(values: Float32Array): number[][] {
  return Array.from({ length: values.length / 3 }, (_, i) => Array.from(values.subarray(3 * i, 3 * i + 3)));
}
