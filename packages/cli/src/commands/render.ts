import { basename, dirname } from 'node:path';
import { avatarMeshes, renderAvatar, viewCamera } from '@implicit-faces/avatar';
import type { Command } from 'commander';
import { degrees, path, wholeNumber } from '../arguments.js';
import { encodePicture } from '../output/encode.js';
import { openOutputFolder } from '../output/output-folder.js';
import { openAvatar } from './export.js';

interface RenderArguments {
  out: string;
  yaw: number;
  size: number;
  clay?: boolean;
  model?: string;
}

/** Adds `implicit-faces render AVATAR --out PICTURE`. */
export function renderCommand(program: Command): void {
  program
    .command('render')
    .summary('a picture of an avatar file')
    .description('Draws an avatar in the light of its photo, on grey.')
    .argument('<avatar>', 'avatar.safetensors', path)
    .requiredOption('-o, --out <file>', 'PNG picture to write', path)
    .option('-y, --yaw <degrees>', "the head's turn; below 0 it looks to the picture's left", degrees, 0)
    .option('--size <pixels>', 'of each side', wholeNumber(16, 8192), 512)
    .option('--clay', 'without texture')
    .option('--model <dir>', 'folder of the face model that it belongs to, if not the shipped one')
    .addHelpText('after', '\nExample:\n  implicit-faces render me/avatar.safetensors --yaw -20 --out me.png')
    .action(render);
}

async function render(avatarPath: string, options: RenderArguments): Promise<void> {
  const file = basename(options.out);
  const folder = openOutputFolder(dirname(options.out), [file]);
  try {
    const { model, avatar } = await openAvatar(avatarPath, options.model);
    const { yaw, size, clay } = options;
    const meshes = await avatarMeshes(model, avatar, { shaded: true });
    const picture = renderAvatar(meshes, viewCamera(yaw, { size }), avatar.lighting, {
      width: size,
      height: size,
      background: [128, 128, 128],
      clay,
    });
    await folder.write(file, await encodePicture(picture));
    folder.commit();
    await model.dispose();
  } finally {
    folder.discard();
  }
}
