import type { Avatar, ExpressionTrack } from '@implicit-faces/avatar';
import { type ClipFrame, createTracker, type TrackedFrame, type TrackerOptions } from './tracker.js';

export interface TrackVideoOptions extends TrackerOptions {
  /** Of the person in the clip, as `invertImage` makes it from a frame or from another photo. */
  avatar: Avatar;
  signal?: AbortSignal;
  /** Called after each frame with how many are done, and what was found in it. */
  onProgress?: (done: number, frame: TrackedFrame) => void;
}

/**
 * Follows a face through a clip: expression and head pose of every frame, as `createTracker` finds them.
 *
 * @param frames - in order of time. They are asked for one by one, so a clip need not fit into memory.
 * @returns one result per frame. A frame without a face has confidence 0 and the last one's expression and pose.
 * @throws FaceError as `createTracker` and `Tracker.track` do; what `frames` throws. Throws the signal's reason when aborted.
 * @example
 * const clip = await trackVideo(frames, { avatar, ort, model, landmarks });
 * const glb = await exportGlb(model, other, { encodePng, animation: expressionTrack(clip) }); // drives another avatar
 */
export async function trackVideo(
  frames: AsyncIterable<ClipFrame> | Iterable<ClipFrame>,
  options: TrackVideoOptions,
): Promise<TrackedFrame[]> {
  const { avatar, signal, onProgress } = options;
  signal?.throwIfAborted();
  const tracker = await createTracker(avatar, options);
  const clip: TrackedFrame[] = [];
  for await (const frame of frames) {
    const tracked = await tracker.track(frame, { signal });
    clip.push(tracked);
    onProgress?.(clip.length, tracked);
    // Lets timers, signals and the page breathe between two frames.
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
  }
  return clip;
}

/** A tracked clip as an animation of Apple's weights and of the head's rotation, for `exportGlb` and for renderers. Its times begin at zero. */
export function expressionTrack(clip: readonly TrackedFrame[]): ExpressionTrack & { rotations: Float32Array } {
  return {
    times: clip.map(({ time }) => time - clip[0].time),
    frames: clip.map(({ weights }) => weights),
    rotations: Float32Array.from(clip.flatMap(({ head }) => head.rotation)),
  };
}
