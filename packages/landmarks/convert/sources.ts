/** One network: where its TFLite bytes are in a pinned npm package, and what its ends are called in ONNX. */
export interface NetworkSource {
  /** Key in the models manifest and file name stem. */
  name: string;
  package: string;
  version: string;
  file: string;
  /** Start and end byte when the file packs several assets. */
  range?: [number, number];
  /** SHA-256 of the TFLite bytes. */
  sha256: string;
  inputs: string[];
  outputs: string[];
}

/** The networks that the landmarker runs; all are Apache-2.0. */
export const NETWORK_SOURCES: NetworkSource[] = [
  {
    name: 'face-detection-short-range',
    package: '@mediapipe/face_mesh',
    version: '0.4.1657299874',
    file: 'face_mesh_solution_packed_assets.data',
    range: [3757224, 3986256],
    sha256: '3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633',
    inputs: ['image'],
    outputs: ['boxes', 'scores'],
  },
  {
    name: 'face-detection-full-range',
    package: '@mediapipe/face_detection',
    version: '0.4.1657300184',
    file: 'face_detection_full_range.tflite',
    sha256: '99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3',
    inputs: ['image'],
    outputs: ['boxes', 'scores'],
  },
  {
    name: 'face-landmark',
    package: '@mediapipe/face_mesh',
    version: '0.4.1657299874',
    file: 'face_mesh_solution_packed_assets.data',
    range: [2495952, 3737848],
    sha256: 'c603fa6149219a3e9487dc9abd7a0c24474c77263273d24868378cdf40aa26d1',
    inputs: ['image'],
    outputs: ['points', 'presence'],
  },
  {
    name: 'selfie-segmentation',
    package: '@mediapipe/selfie_segmentation',
    version: '0.1.1675465747',
    file: 'selfie_segmentation.tflite',
    sha256: '8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27',
    inputs: ['image'],
    outputs: ['mask'],
  },
];
