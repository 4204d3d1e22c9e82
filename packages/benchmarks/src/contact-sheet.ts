import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** One row of the sheet: the photo and the folder that `implicit-faces invert` made from it. */
export interface SheetRow {
  photo: string;
  folder: string;
}

const PICTURES = ['render.png', 'front.png', 'left.png', 'right.png', 'clay-front.png'];
const TILE = 320;

/**
 * Draws the photos and their avatars: a row each, the photo, the render over it, the front, left and right views, and the front in clay.
 *
 * @param path - its ending chooses the format: `.png`, or `.jpg` for what is committed.
 * @returns the sheet's path.
 */
export async function writeContactSheet(rows: readonly SheetRow[], path: string): Promise<string> {
  const tiles = await Promise.all(
    rows.flatMap(({ photo, folder }, row) =>
      [photo, ...PICTURES.map((name) => join(folder, name))].map(async (file, column) => ({
        input: await sharp(file)
          .autoOrient()
          .resize(TILE, TILE, { fit: 'contain', background: '#000' })
          .flatten({ background: '#000' })
          .png()
          .toBuffer(),
        left: column * TILE,
        top: row * TILE,
      })),
    ),
  );
  await mkdir(dirname(path), { recursive: true });
  const size = { width: TILE * (PICTURES.length + 1), height: TILE * Math.max(1, rows.length) };
  await sharp({ create: { ...size, channels: 3, background: '#000' } })
    .composite(tiles)
    .toFile(path);
  return path;
}
