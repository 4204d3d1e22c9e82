import { type Avatar, exportGlb, type FaceModel } from '@implicit-faces/avatar';
import { expressionTrack, type TrackedFrame } from '@implicit-faces/inversion';
import { encodePicture } from './encode.js';
import type { OutputFolder } from './output-folder.js';

/** Everything that `track` writes, and what it is. */
export const TRACK_FILES = {
  'weights.csv': "a line per frame: time, Apple's 52 weights",
  'pose.csv': 'a line per frame: time, confidence, rotation and place of the head',
  'avatar.glb': 'the avatar, animated',
  'report.json': 'figures',
} as const;

/** What `report.json` of a clip says. */
export interface TrackReport {
  /** Id of the face model. */
  model: string;
  frames: number;
  /** Frames without a face; they have confidence 0 and repeat the one before. */
  lostFrames: number;
  /** The clip's own length; wall-clock of decoding and tracking, and of the whole command up to this report. */
  seconds: { clip: number; track: number; process: number };
  focalLengthPx: number;
  /** Mean distance of detected landmarks from the avatar's, over that of the eyes' outer corners. */
  landmarkError: number;
  peakRssBytes: number;
}

/**
 * Writes what was found in a clip: every one of `TRACK_FILES`.
 *
 * @param avatar - that moves in the GLB file: the one that was tracked, or another one of the same model.
 */
export async function writeTrackFiles(
  folder: OutputFolder,
  clip: readonly TrackedFrame[],
  { model, avatar, seconds }: { model: FaceModel; avatar: Avatar; seconds: number },
): Promise<TrackReport> {
  const { arkitNames, id } = model.manifest;
  const row = (values: number[]) => values.map((value) => Number(value.toFixed(5))).join(',');
  const table = (header: readonly string[], rows: number[][]) => `${[header.join(','), ...rows.map(row)].join('\n')}\n`;
  await folder.write(
    'weights.csv',
    table(
      ['time', ...arkitNames],
      clip.map(({ time, weights }) => [time, ...arkitNames.map((name) => weights[name])]),
    ),
  );
  await folder.write(
    'pose.csv',
    table(
      ['time', 'confidence', 'qx', 'qy', 'qz', 'qw', 'x', 'y', 'z'],
      clip.map(({ time, confidence, head }) => [time, confidence, ...head.rotation, ...head.translation]),
    ),
  );
  await folder.write(
    'avatar.glb',
    await exportGlb(model, avatar, { encodePng: encodePicture, animation: expressionTrack(clip) }),
  );
  const seen = clip.filter(({ confidence }) => confidence > 0);
  const report: TrackReport = {
    model: id,
    frames: clip.length,
    lostFrames: clip.length - seen.length,
    seconds: {
      clip: clip[clip.length - 1].time - clip[0].time,
      track: seconds,
      process: performance.now() / 1000,
    },
    focalLengthPx: seen[0].camera.focalLengthPx,
    landmarkError: seen.reduce((sum, { landmarkError = 0 }) => sum + landmarkError, 0) / seen.length,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  await folder.write('report.json', `${JSON.stringify(report, null, 2)}\n`);
  return report;
}
