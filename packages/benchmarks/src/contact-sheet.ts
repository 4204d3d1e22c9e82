import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** One row of the sheet: the photo and the folder that `implicit-faces invert` made from it. */
export interface SheetRow {
  photo: string;
  folder: string;
}

export interface ContactSheetOptions {
  /** Files of a row's folder. */
  pictures?: readonly string[];
  /** Side of a tile, pixels. */
  tile?: number;
}

const CONTACT_SHEET_DEFAULTS = {
  pictures: ['render.png', 'front.png', 'left.png', 'right.png', 'clay-front.png'] as readonly string[],
  tile: 320,
};

/**
 * Draws the photos and their avatars: a row each, the photo, and pictures of the avatar: the render over the photo, the front, left and right views, and the front in clay, when nothing else is said.
 *
 * @param path - its ending chooses the format: `.png`, or `.jpg` for what is committed.
 * @returns the sheet's path.
 */
export async function writeContactSheet(
  rows: readonly SheetRow[],
  path: string,
  options: ContactSheetOptions = {},
): Promise<string> {
  const { pictures, tile } = { ...CONTACT_SHEET_DEFAULTS, ...options };
  const tiles = await Promise.all(
    rows.flatMap(({ photo, folder }, row) =>
      [photo, ...pictures.map((name) => join(folder, name))].map(async (file, column) => ({
        input: await sharp(file)
          .autoOrient()
          .resize(tile, tile, { fit: 'contain', background: '#000' })
          .flatten({ background: '#000' })
          .png()
          .toBuffer(),
        left: column * tile,
        top: row * tile,
      })),
    ),
  );
  await mkdir(dirname(path), { recursive: true });
  const size = { width: tile * (pictures.length + 1), height: tile * Math.max(1, rows.length) };
  await sharp({ create: { ...size, channels: 3, background: '#000' } })
    .composite(tiles)
    .toFile(path);
  return path;
}
