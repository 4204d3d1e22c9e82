import {
  type Avatar,
  avatarMeshes,
  computeOcclusion,
  type FaceModel,
  type RgbaImage,
  renderAvatar,
  sampleCodes,
  saveAvatar,
  viewCamera,
} from '@implicit-faces/avatar';
import { createSeededRandom } from '@implicit-faces/runtime';
import { bakeAlbedo, encodeSrgb } from '@implicit-faces/uv-param';
import type { Command } from 'commander';
import { path, wholeNumber } from '../arguments.js';
import { loadModel } from '../load-models.js';
import { encodePicture } from '../output/encode.js';
import { openOutputFolder } from '../output/output-folder.js';
import { createProgress } from '../progress.js';

const BACKGROUND = [150, 150, 150] as const;
/** `[9]` soft colourless light from the front and above, see docs/conventions.md. */
const SOFT_LIGHT = [2.5, 0.35, 0.6, 0, 0, 0, 0, 0, 0];
/** Degrees that heads are turned by at most, either way. */
const TURN = 12;
/** What fits into a picture, metres: large heads, too. */
const FRAME = 0.29;
const MIDDLE = [0, 0.012, 0.012] as const;
/** Texels of a sampled skin for every pixel of its picture. */
const TEXELS_PER_PIXEL = 2;
const AVATAR_TEXTURE = 1024;
const SHEET = 'samples.png';

interface SampleArguments {
  out: string;
  count: number;
  seed: number;
  size: number;
  avatars?: boolean;
  model?: string;
  quiet?: boolean;
}

/** Adds `implicit-faces sample --out DIR`. */
export function sampleCommand(program: Command): void {
  program
    .command('sample')
    .summary('people who do not exist')
    .description('Draws plausible new faces from the model: a sheet of pictures and, if wanted, an avatar file each.')
    .requiredOption('-o, --out <dir>', `folder for ${SHEET}, made if needed`, path)
    .option('-n, --count <number>', 'how many faces', wholeNumber(1, 1024), 64)
    .option('-s, --seed <number>', 'same seed, same faces', wholeNumber(0, 2 ** 32 - 1), 0)
    .option('--size <pixels>', 'of each side of a face', wholeNumber(16, 2048), 192)
    .option('--avatars', 'also write 01.avatar.safetensors and so on, for "export" and "render"')
    .option('--model <dir>', 'folder of another face model')
    .option('-q, --quiet', 'print nothing but errors')
    .addHelpText(
      'after',
      '\nExamples:\n  implicit-faces sample --out people\n  implicit-faces sample --count 9 --seed 4 --size 512 --out people --avatars\n  implicit-faces export people/03.avatar.safetensors --out third.glb',
    )
    .action(sample);
}

async function sample(options: SampleArguments): Promise<void> {
  const { count, seed, size, avatars } = options;
  const digits = Math.max(2, String(count).length);
  const nameOf = (index: number) => `${String(index + 1).padStart(digits, '0')}.avatar.safetensors`;
  const names = avatars ? Array.from({ length: count }, (_, i) => nameOf(i)) : [];
  const folder = openOutputFolder(options.out, [SHEET, ...names]);
  const progress = createProgress(options);
  try {
    const model = await loadModel(options.model);
    const random = createSeededRandom(seed);
    const columns = Math.ceil(Math.sqrt(count));
    const rows = Math.ceil(count / columns);
    const sheet = blank(columns * size, rows * size);
    for (let i = 0; i < count; i++) {
      const texels = avatars ? AVATAR_TEXTURE : Math.min(AVATAR_TEXTURE, TEXELS_PER_PIXEL * size);
      const avatar = await sampleAvatar(model, random, size, texels);
      const meshes = await avatarMeshes(model, avatar);
      const picture = renderAvatar(meshes, avatar.camera, avatar.lighting, {
        width: size,
        height: size,
        background: BACKGROUND,
        occlusion: computeOcclusion(meshes),
      });
      place(sheet, picture, (i % columns) * size, Math.floor(i / columns) * size);
      if (avatars) await folder.write(nameOf(i), saveAvatar(avatar));
      progress.update('faces', (i + 1) / count);
    }
    await folder.write(SHEET, await encodePicture(sheet));
    folder.commit();
    progress.stop();
    if (!options.quiet) {
      process.stdout.write(`${options.out}: ${SHEET}${avatars ? ` and ${count} avatars` : ''}\n`);
    }
    await model.dispose();
  } finally {
    progress.stop();
    folder.discard();
  }
}

/** The next face, a little turned, in soft light. */
async function sampleAvatar(model: FaceModel, random: () => number, size: number, texels: number): Promise<Avatar> {
  const { manifest, uv } = model;
  const codes = sampleCodes({ manifest, topology: uv.topology }, random);
  const { data } = await bakeAlbedo(uv, codes.texture, codes.expression, texels);
  return {
    modelId: manifest.id,
    geometryCode: codes.geometry,
    expressionCode: codes.expression,
    textureCode: codes.texture,
    albedo: { data: encodeSrgb(data), width: texels, height: texels },
    camera: viewCamera(TURN * (2 * random() - 1), { size, frame: FRAME, target: MIDDLE }),
    lighting: Float32Array.from({ length: 27 }, (_, i) => SOFT_LIGHT[Math.floor(i / 3)]),
  };
}

function blank(width: number, height: number): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([...BACKGROUND, 255], i);
  return { data, width, height };
}

/** Copies a picture into another one. */
function place(sheet: RgbaImage, picture: RgbaImage, left: number, top: number): void {
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(4 * y * picture.width, 4 * (y + 1) * picture.width);
    sheet.data.set(row, 4 * ((top + y) * sheet.width + left));
  }
}
