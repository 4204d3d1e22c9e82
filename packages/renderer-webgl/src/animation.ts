import type { ExpressionTrack, Weights } from '@implicit-faces/avatar';
import { FaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from './errors.js';

/** How far ARKit's eyeLook weights turn an eye at 1, radians; as the model's eyes are made. */
const GAZE_RADIANS = {
  up: (25 * Math.PI) / 180,
  down: (28 * Math.PI) / 180,
  in: (28 * Math.PI) / 180,
  out: (30 * Math.PI) / 180,
};

/** The straight line between two expressions: `a` at 0, `b` at 1. */
export function blendWeights(a: Weights, b: Weights, amount: number): Record<string, number> {
  const out: Record<string, number> = {};
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    out[name] = (1 - amount) * (a[name] ?? 0) + amount * (b[name] ?? 0);
  }
  return out;
}

/**
 * A track's expression at a time, linear between its frames; before the first and after the last it stands still.
 *
 * @param seconds - since the track's zero.
 * @throws FaceError `SHAPE` when there are no frames, not one per time, or times that do not rise.
 */
export function sampleTrack({ times, frames }: ExpressionTrack, seconds: number): Record<string, number> {
  const rising = Array.prototype.every.call(times, (t: number, i: number) => i === 0 || t > times[i - 1]);
  if (frames.length === 0 || frames.length !== times.length || !rising) {
    throw new FaceError<RendererErrorCode>(
      'SHAPE',
      `sampleTrack: a track needs frames and as many rising times; received ${frames.length} frames and ${times.length} times.`,
    );
  }
  let next = 0;
  while (next < times.length && times[next] <= seconds) next++;
  if (next === 0) return { ...frames[0] };
  if (next === times.length) return { ...frames[next - 1] };
  const share = (seconds - times[next - 1]) / (times[next] - times[next - 1]);
  return blendWeights(frames[next - 1], frames[next], share);
}

/**
 * The weights that turn both eyes.
 *
 * @param yawRad - toward the subject's left (+X).
 * @param pitchRad - upward.
 */
export function gazeWeights(yawRad: number, pitchRad: number): Record<string, number> {
  const clamp = (x: number) => Math.min(Math.max(x, 0), 1);
  const left = Math.max(yawRad, 0);
  const right = Math.max(-yawRad, 0);
  const up = clamp(pitchRad / GAZE_RADIANS.up);
  const down = clamp(-pitchRad / GAZE_RADIANS.down);
  return {
    eyeLookOutLeft: clamp(left / GAZE_RADIANS.out),
    eyeLookInRight: clamp(left / GAZE_RADIANS.in),
    eyeLookInLeft: clamp(right / GAZE_RADIANS.in),
    eyeLookOutRight: clamp(right / GAZE_RADIANS.out),
    eyeLookUpLeft: up,
    eyeLookUpRight: up,
    eyeLookDownLeft: down,
    eyeLookDownRight: down,
  };
}
