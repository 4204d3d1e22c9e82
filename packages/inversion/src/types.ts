import type { Avatar, Camera, FaceModel, Lighting, RgbaImage } from '@implicit-faces/avatar';
import type { Box, Landmarker } from '@implicit-faces/landmarks';
import type { OrtRuntime } from '@implicit-faces/runtime';
import type { Preset, PresetSettings } from './presets.js';

/** The stages of an inversion, in order. `encode` is short where the model has no encoder, and `finetune` takes no time in presets that do without it. */
export const STAGES = ['detect', 'encode', 'optimise', 'finetune', 'texture'] as const;
export type Stage = (typeof STAGES)[number];

export interface Progress {
  stage: Stage;
  /** Of this stage, 0 to 1. */
  fraction: number;
}

/** A photo, and what is known of its camera. `decodeImage` of `@implicit-faces/landmarks/node` makes these. */
export interface Photo extends RgbaImage {
  /** Pixels; found from the face, roughly, when absent. The principal point is the photo's middle. */
  focalLengthPx?: number;
}

/** What the terms of the optimisation count, as multiples of what they usually do: 1 changes nothing, 0 leaves a term out. */
export interface LossWeights {
  /** Where the 468 detected landmarks are, and how far eyes and mouth are open. */
  landmarks: number;
  /** The photo's colours against the model's, as far as they move codes and camera; texture code and light are found from them in any case. */
  photo: number;
  /** The avatar stays inside the person's mask. */
  silhouette: number;
}

/** Order of the spherical harmonics of a light: 1, 4 or 9 coefficients. */
export type LightOrder = 0 | 1 | 2;

export interface InvertImageOptions {
  /** The imported `onnxruntime-node` or `onnxruntime-web`, the one that the model was loaded with. */
  ort: OrtRuntime;
  model: FaceModel;
  landmarks: Landmarker;
  /** How much work to do. */
  preset?: Preset;
  /** What of the preset shall be otherwise. */
  settings?: Partial<PresetSettings>;
  /** Whether the model's encoder is asked where the codes start; else they start at the mean face. */
  encoder?: boolean;
  losses?: Partial<LossWeights>;
  /** What light is solved for. With 0 it comes from everywhere alike and shading stays in the texture, which suits pictures without any. */
  lightOrder?: LightOrder;
  /** Decides every random choice: the same photo, options and seed give the same avatar. */
  seed?: number;
  /** Which face, counted from the largest. */
  faceIndex?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** What was found in a photo. */
export interface InvertedPhoto {
  /** `[De]` */
  expressionCode: Float32Array;
  /** In the photo's pixels. */
  camera: Camera;
  /** `[9, 3]` */
  lighting: Lighting;
  /** Where the codes came from before the optimisation: the encoder, or the mean face when there is none or it did not trust itself. */
  start: 'encoder' | 'landmarks';
  /** Root mean square of vertex distances that the encoder expected of its codes, millimetres. */
  expectedErrorMm?: number;
  /** `[468, 3]` as detected, photo pixels. */
  landmarks: Float32Array;
  box: Box;
  /** `[H, W]` the person, 0 to 255. */
  foreground: Uint8Array;
}

/** An avatar with how it came about. */
export interface InvertedAvatar extends Avatar {
  /** What is of a photo is the first one's. */
  inversion: Pick<InvertedPhoto, 'start' | 'expectedErrorMm' | 'landmarks' | 'box' | 'foreground'> & {
    preset: Preset;
    seed: number;
    /** Wall-clock per stage; sessions were loaded before. */
    seconds: Record<Stage | 'total', number>;
    /** Gauss-Newton steps of the codes. */
    steps: number;
    /** How much the photos' fine detail looks like relief, where it was looked for: 3 for relief without a grain of its own, 1 for colour. */
    reliefEvidence?: number;
    /** Each photo, in the order given; one, of `invertImage`. */
    photos: readonly InvertedPhoto[];
    /** The albedo of the texture code alone, without the photo's detail, at the size that it was baked in. */
    modelAlbedo: RgbaImage;
  };
}
