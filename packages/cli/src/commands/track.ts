import { loadAvatar } from '@implicit-faces/avatar';
import { trackVideo } from '@implicit-faces/inversion';
import type { Command } from 'commander';
import { path, wholeNumber } from '../arguments.js';
import { openClip } from '../clip.js';
import { FaceError } from '../errors.js';
import { loadLandmarks, loadOrt } from '../load-models.js';
import { openOutputFolder } from '../output/output-folder.js';
import { TRACK_FILES, writeTrackFiles } from '../output/track-files.js';
import { createProgress } from '../progress.js';
import { openAvatar, readAvatarFile } from './export.js';

interface TrackArguments {
  avatar: string;
  out: string;
  drive?: string;
  fps: number;
  face: number;
  model?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Adds `implicit-faces track CLIP --avatar AVATAR --out DIR`. */
export function trackCommand(program: Command): void {
  program
    .command('track')
    .summary("a clip of a face to an avatar's animation")
    .description('Finds expression and head pose in every frame of a clip, for an avatar of the person in it.')
    .argument('<clip>', 'folder of pictures, one per frame, or an animated GIF or WebP file', path)
    .requiredOption('-a, --avatar <file>', 'avatar.safetensors of that person, as "invert" makes it', path)
    .requiredOption('-o, --out <dir>', 'folder for the results, made if needed', path)
    .option('-d, --drive <file>', 'avatar file of somebody else, who moves in the GLB file instead', path)
    .option('--fps <number>', 'frames per second of a folder', wholeNumber(1, 1000), 30)
    .option('-f, --face <index>', 'which face to begin with, 0 being the largest', wholeNumber(0, 999), 0)
    .option('--model <dir>', 'folder of the face model that the avatar belongs to, if not the shipped one')
    .option('--json', 'print the report on stdout, and nothing else')
    .option('-q, --quiet', 'print nothing but errors')
    .addHelpText(
      'after',
      `
Examples:
  implicit-faces invert clip/0001.png --out me
  implicit-faces track clip --fps 25 --avatar me/avatar.safetensors --out me/clip
  implicit-faces track me.gif --avatar me/avatar.safetensors --drive anna/avatar.safetensors --out anna/clip

Writes:
${Object.entries(TRACK_FILES)
  .map(([name, what]) => `  ${name.padEnd(12)}  ${what}`)
  .join('\n')}`,
    )
    .action(track);
}

async function track(clipPath: string, options: TrackArguments): Promise<void> {
  const folder = openOutputFolder(options.out, Object.keys(TRACK_FILES));
  const progress = createProgress(options);
  try {
    const clip = await openClip(clipPath, options.fps);
    const other = options.drive === undefined ? undefined : await readAvatarFile(options.drive);
    const { model, avatar } = await openAvatar(options.avatar, options.model);
    const driven = other ? loadAvatar(other, model.manifest) : avatar;
    const landmarks = await loadLandmarks();
    const began = performance.now();
    const frames = await trackVideo(clip.frames(), {
      avatar,
      ort: await loadOrt(),
      model,
      landmarks,
      faceIndex: options.face,
      onProgress: (done) => progress.update('track', done / clip.frameCount),
    });
    const seconds = (performance.now() - began) / 1000;
    if (frames.every(({ confidence }) => confidence === 0)) {
      throw new FaceError('NO_FACE', `${clipPath} shows no face in any frame. Pass a clip of one person's face.`);
    }
    const report = await writeTrackFiles(folder, frames, { model, avatar: driven, seconds });
    folder.commit();
    progress.stop();
    if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else if (!options.quiet) {
      const { lostFrames, landmarkError } = report;
      process.stdout.write(
        `${options.out}: ${frames.length} frames in ${seconds.toFixed(1)} s, ${lostFrames} without a face, landmarks ${(100 * landmarkError).toFixed(1)} %\n`,
      );
    }
    await Promise.all([model.dispose(), landmarks.dispose()]);
  } finally {
    progress.stop();
    folder.discard();
  }
}
