import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recoverTextureCodes } from '@implicit-faces/inversion';
import { FaceError, type Manifest, parseSafetensors, takeTensor } from '@implicit-faces/runtime';
import { LINEAR_FROM_SRGB_BYTE, sampleChartMap, type UvModel } from '@implicit-faces/uv-param';
import sharp from 'sharp';
import { mean } from './statistics.js';

const LOOKUP = fileURLToPath(new URL('../fixtures/skin-lookup.safetensors', import.meta.url));
/** The blur of the basis's own resampling: its share of the texture's side. */
const BLUR = 1 / 2400;
const THIRDS = 3;

/** Where places of our chart lie in a skin's picture, and which skins the colour basis has not seen. */
export interface SkinLookup {
  /** `[N, 2]` of our chart: places of a regular grid, `gridSize` along each side. */
  uv: Float32Array;
  gridSize: number;
  /** `[N, 2]` of the skins' layout, v down, 0 to 1. */
  place: Float32Array;
  /** Parts of file names, two per third of tone, dark to light. */
  heldOut: string[];
}

/** A skin at the lookup's places. */
export interface HeldOutSkin {
  name: string;
  /** `[N, 3]` linear RGB. */
  albedo: Float32Array;
}

export interface AlbedoFigures {
  /** Mean absolute linear error of each skin, in the skins' order. */
  perSkin: number[];
  /** The mean of each third of tone, dark to light. */
  byTone: number[];
}

/** Reads the lookup that `training/albedo.py lookup` wrote. Places that no skin shows are left out. */
export async function loadSkinLookup(path = LOOKUP): Promise<SkinLookup> {
  const { tensors, metadata } = parseSafetensors(new Uint8Array(await readFile(path)), path);
  const { data, dims } = takeTensor(tensors, 'place', 'U16', ['R', 'R', 2]);
  const centres = takeTensor(tensors, 'uv', 'F32', [dims[0]]).data;
  const known = Array.from({ length: data.length / 2 }, (_, i) => i).filter((i) => data[2 * i] > 0);
  return {
    gridSize: dims[1],
    uv: Float32Array.from(known.flatMap((i) => [centres[i % dims[1]], centres[Math.floor(i / dims[1])]])),
    place: Float32Array.from(known.flatMap((i) => [data[2 * i] / 65535, data[2 * i + 1] / 65535])),
    heldOut: metadata.heldOut.split('\n'),
  };
}

/**
 * Reads the held-out skins' pictures at the lookup's places.
 *
 * @param lookup - or other places and parts of file names.
 * @param data - the folder that holds `skins/manifest.tsv`.
 * @throws FaceError `DATA` when the list or a picture is not there.
 */
export async function loadHeldOutSkins(
  data: string,
  { place, heldOut }: Pick<SkinLookup, 'place' | 'heldOut'> & Partial<SkinLookup>,
): Promise<HeldOutSkin[]> {
  const folder = join(data, 'skins');
  const missing = (what: string, cause?: unknown) =>
    new FaceError(
      'DATA',
      `loadHeldOutSkins: ${what}. Pass the data folder, that holds skins/manifest.tsv and the skins, as --data.`,
      { cause },
    );
  const list = join(folder, 'manifest.tsv');
  const text = await readFile(list, 'utf8').catch((cause) => {
    throw missing(`${list} cannot be read`, cause);
  });
  const [header, ...lines] = text.trimEnd().split(/\r?\n/);
  const columns = header.split('\t');
  const table = lines.map((line) => Object.fromEntries(line.split('\t').map((cell, k) => [columns[k], cell])));
  return Promise.all(
    heldOut.map(async (name) => {
      const row = table.find(({ file }) => file.includes(name));
      if (!row) throw missing(`${list} should list ${name}`);
      const size = Number(row.source_size_px);
      const picture = sharp(join(folder, row.file)).removeAlpha().toColourspace('srgb');
      const sigma = BLUR * size;
      const { data: pixels, info } = await (sigma >= 0.3 ? picture.blur(sigma) : picture)
        .raw()
        .toBuffer({ resolveWithObject: true })
        .catch((cause) => {
          throw missing(`${row.file} cannot be read`, cause);
        });
      const at = (x: number, y: number, c: number) => {
        const column = Math.min(Math.max(x, 0), info.width - 1);
        const line = Math.min(Math.max(y, 0), info.height - 1);
        return LINEAR_FROM_SRGB_BYTE[pixels[info.channels * (line * info.width + column) + c]];
      };
      const albedo = new Float32Array((place.length / 2) * 3);
      for (let i = 0; i < place.length / 2; i++) {
        const x = place[2 * i] * size - Number(row.crop_left_px) - 0.5;
        const y = place[2 * i + 1] * size - Number(row.crop_top_px) - 0.5;
        const [left, top] = [Math.floor(x), Math.floor(y)];
        const [right, below] = [x - left, y - top];
        for (let c = 0; c < 3; c++) {
          const upper = (1 - right) * at(left, top, c) + right * at(left + 1, top, c);
          const lower = (1 - right) * at(left, top + 1, c) + right * at(left + 1, top + 1, c);
          albedo[3 * i + c] = (1 - below) * upper + below * lower;
        }
      }
      return { name, albedo };
    }),
  );
}

/** Fits the texture code to skins that the basis has not seen and compares on the face, without the eyes and the mouth's inside. */
export async function measureAlbedo(
  model: { manifest: Manifest; uv: UvModel },
  lookup: SkinLookup,
  skins: readonly HeldOutSkin[],
  options: { signal?: AbortSignal; onProgress?: (share: number) => void } = {},
): Promise<AlbedoFigures> {
  const onFace = sampleChartMap(model.uv.topology.faceMask, lookup.uv);
  const uv = lookup.uv.filter((_, i) => onFace[i >> 1] > 0);
  const albedos = skins.map(({ albedo }) => albedo.filter((_, i) => onFace[Math.floor(i / 3)] > 0));
  const codes = await recoverTextureCodes(model, uv, albedos, options);
  const expression = new Float32Array(model.manifest.codes.expression);
  const perSkin: number[] = [];
  for (const [k, code] of codes.entries()) {
    const fitted = await model.uv.albedo(uv, code, expression);
    perSkin.push(mean(fitted.map((value, i) => Math.abs(value - albedos[k][i]))));
  }
  const size = Math.ceil(skins.length / THIRDS);
  return {
    perSkin,
    byTone: Array.from({ length: THIRDS }, (_, k) => mean(perSkin.slice(k * size, (k + 1) * size))),
  };
}
