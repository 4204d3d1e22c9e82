import { readFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { type Avatar, avatarMeshes, exportGlb, exportObj, type FaceModel, loadAvatar } from '@implicit-faces/avatar';
import type { Command } from 'commander';
import { path } from '../arguments.js';
import { type CliErrorCode, FaceError } from '../errors.js';
import { loadModel } from '../load-models.js';
import { encodePicture } from '../output/encode.js';
import { openOutputFolder } from '../output/output-folder.js';

/** Adds `implicit-faces export AVATAR --out FILE`. */
export function exportCommand(program: Command): void {
  program
    .command('export')
    .summary('an avatar file to GLB or OBJ')
    .description('Turns an avatar file into one that other programs read.')
    .argument('<avatar>', 'avatar.safetensors', path)
    .requiredOption(
      '-o, --out <file>',
      'ends in .glb (with blendshapes) or .obj (with .mtl and pictures beside it)',
      path,
    )
    .option('--model <dir>', 'folder of the face model that it belongs to, if not the shipped one')
    .addHelpText(
      'after',
      '\nExamples:\n  implicit-faces export me/avatar.safetensors --out me.glb\n  implicit-faces export me/avatar.safetensors --out me.obj',
    )
    .action(exportAvatar);
}

async function exportAvatar(avatarPath: string, options: { out: string; model?: string }): Promise<void> {
  const file = basename(options.out);
  const extension = extname(file).toLowerCase();
  if (extension !== '.glb' && extension !== '.obj') {
    throw new FaceError<CliErrorCode>('USAGE', `--out should end in .glb or .obj; received ${options.out}.`);
  }
  const folder = openOutputFolder(dirname(options.out), [file]);
  try {
    const { model, avatar } = await openAvatar(avatarPath, options.model);
    if (extension === '.glb') {
      await folder.write(file, await exportGlb(model, avatar, { encodePng: encodePicture }));
    } else {
      const name = basename(file, extname(file));
      const { obj, mtl, images } = exportObj(await avatarMeshes(model, avatar), name);
      await folder.write(file, obj);
      await folder.write(`${name}.mtl`, mtl);
      for (const [picture, image] of Object.entries(images)) await folder.write(picture, await encodePicture(image));
    }
    folder.commit();
    await model.dispose();
  } finally {
    folder.discard();
  }
}

/**
 * Loads an avatar file and its model.
 *
 * @throws FaceError as `readAvatarFile`; `MODEL_MISMATCH` as `loadAvatar` does, `MODEL` as `loadModel` does.
 */
export async function openAvatar(
  avatarPath: string,
  modelFolder?: string,
): Promise<{ model: FaceModel; avatar: Avatar }> {
  // Before the networks are loaded, because that takes a while.
  const bytes = await readAvatarFile(avatarPath);
  const model = await loadModel(modelFolder);
  return { model, avatar: loadAvatar(bytes, model.manifest) };
}

/** The bytes of an avatar file. @throws FaceError `INPUT` when it cannot be read, `AVATAR_FILE` when it is none. */
export async function readAvatarFile(avatarPath: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(avatarPath).catch((cause) => {
    throw new FaceError<CliErrorCode>('INPUT', `${avatarPath} cannot be read (${cause.code}). Check the path.`, {
      cause,
    });
  });
  loadAvatar(new Uint8Array(bytes));
  return new Uint8Array(bytes);
}
