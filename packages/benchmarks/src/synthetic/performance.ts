import type { Camera } from '@implicit-faces/avatar';
import type { ClipFrame } from '@implicit-faces/inversion';
import { createRandom } from '@implicit-faces/test-utils';
import { orbitCamera, type PortraitGenerator } from './portrait.js';

export interface PerformanceOptions {
  frames: number;
  /** Pixels along each side. */
  size: number;
  fps: number;
}

/** Curves of Apple's weights, peak and beats per clip: speech, a smile, brows, two blinks. */
const CURVES: Record<string, { peak: number; beats: number; sharp?: number }> = {
  jawOpen: { peak: 0.55, beats: 3 },
  mouthFunnel: { peak: 0.4, beats: 2 },
  mouthPucker: { peak: 0.4, beats: 1.5 },
  mouthSmileLeft: { peak: 0.7, beats: 1 },
  mouthSmileRight: { peak: 0.6, beats: 1 },
  browInnerUp: { peak: 0.6, beats: 1 },
  browOuterUpLeft: { peak: 0.5, beats: 1 },
  browDownRight: { peak: 0.4, beats: 0.5 },
  eyeBlinkLeft: { peak: 1, beats: 2, sharp: 8 },
  eyeBlinkRight: { peak: 1, beats: 2, sharp: 8 },
};
const TURN_DEG = { yaw: 14, pitch: 6, roll: 4 };
const DISTANCE = 1.1;
const CENTRE = [0, 0.005, 0.06] as const;
/** Of the picture's side: a usual phone. */
const FOCAL = 2.9;

/**
 * The truth of a clip: weights by Apple's names and the camera per frame, from a seed. The first frame is at rest.
 *
 * @returns the curves' values, all from 0 at the first frame.
 */
export function performanceCurves(seed: number, { frames, size }: PerformanceOptions) {
  const random = createRandom(seed);
  const phases = new Map(Object.keys(CURVES).map((name) => [name, random.uniform(0, 0.4)]));
  // Lids and corners of the mouth act together.
  phases.set('eyeBlinkRight', phases.get('eyeBlinkLeft')!);
  phases.set('mouthSmileRight', phases.get('mouthSmileLeft')!);
  const turns = [0, 1, 2].map(() => random.uniform(0.7, 1.3));
  return Array.from({ length: frames }, (_, i) => {
    const share = i / Math.max(1, frames - 1);
    // Everything comes from rest within the first fifth.
    const onset = Math.min(1, 5 * share);
    const weights = Object.fromEntries(
      Object.entries(CURVES).map(([name, { peak, beats, sharp = 1 }]) => {
        const wave = 0.5 - 0.5 * Math.cos(2 * Math.PI * (beats * share + onset * phases.get(name)!));
        return [name, peak * onset * wave ** sharp];
      }),
    );
    const [yaw, pitch, roll] = [TURN_DEG.yaw, TURN_DEG.pitch, TURN_DEG.roll].map(
      (degrees, k) => ((degrees * Math.PI) / 180) * Math.sin(2 * Math.PI * turns[k] * share),
    );
    const camera: Camera = orbitCamera(yaw, pitch, roll, DISTANCE, CENTRE, FOCAL * size, size);
    return { weights, camera };
  });
}

/** Apple's weights as an expression `[De]`, by the model's rig. */
export function expressionFrom(
  weights: Record<string, number>,
  arkitNames: readonly string[],
  matrix: Float32Array,
): Float32Array {
  const columns = arkitNames.length;
  return Float32Array.from({ length: matrix.length / columns }, (_, row) =>
    arkitNames.reduce((sum, name, k) => sum + matrix[row * columns + k] * (weights[name] ?? 0), 0),
  );
}

/** Draws one frame of a performance. */
export function drawFrame(
  generator: PortraitGenerator,
  seed: number,
  {
    expression,
    camera,
    size,
    time,
    noise,
  }: { expression: Float32Array; camera: Camera; size: number; time: number; noise: number },
): ClipFrame {
  return { ...generator.perform(seed, { expression, camera, size, noise }).image, time };
}
