import { readdir } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import type { Landmarker } from '@implicit-faces/landmarks';
import { decodeImage } from '@implicit-faces/landmarks/node';
import { FaceError } from '@implicit-faces/runtime';
import { type IdentityNetwork, identityDistance } from './identity.js';
import type { InversionReport } from './inversion-runs.js';
import { mean, median } from './statistics.js';

const PICTURE = new Set(['.jpg', '.jpeg', '.png', '.webp']);

/** How like its photo an avatar is. */
export interface PhotoFigures {
  photo: string;
  psnrDb: number;
  modelPsnrDb: number;
  ssim: number;
  /** Null where no face is found on the render. */
  nme: number | null;
  projectedNme: number;
  /** Distances of identity descriptors between the photo and front.png, and on the average left.png and right.png. */
  identityFront: number;
  identitySide: number;
  seconds: number;
  peakRssBytes: number;
}

/**
 * The pictures of `photos/`.
 *
 * @param data - the folder that holds `photos`.
 * @throws FaceError `DATA` when there is none.
 */
export async function listPhotos(data: string): Promise<string[]> {
  const folder = join(data, 'photos');
  const files = await readdir(folder).catch((cause) => {
    throw missing(`${folder} cannot be read`, cause);
  });
  const photos = files.filter((file) => PICTURE.has(extname(file).toLowerCase())).sort();
  if (photos.length === 0) throw missing(`${folder} holds no pictures`);
  return photos.map((file) => join(folder, file));
}

function missing(what: string, cause?: unknown): FaceError {
  return new FaceError('DATA', `evaluate: ${what}. Pass the data folder, that holds photos/, as --data.`, { cause });
}

/** @param folder - what the command line made of the photo. */
export async function measurePhoto(
  photo: string,
  folder: string,
  { image, landmarks, seconds, peakRssBytes }: InversionReport,
  tools: { landmarks: Landmarker; identity: IdentityNetwork },
): Promise<PhotoFigures> {
  const describe = async (path: string) => tools.identity.describe(await decodeImage(path), tools.landmarks);
  const person = await describe(photo);
  const distance = async (view: string) => identityDistance(person, await describe(join(folder, `${view}.png`)));
  return {
    photo: parse(photo).name,
    ...image,
    ...{ nme: landmarks.nme, projectedNme: landmarks.projectedNme },
    identityFront: await distance('front'),
    identitySide: ((await distance('left')) + (await distance('right'))) / 2,
    seconds: seconds.total,
    peakRssBytes,
  };
}

/** All photos together: means; the median of the times, the most of the memory. */
export function summarisePhotos(photos: readonly PhotoFigures[]) {
  const average = (of: (photo: PhotoFigures) => number) => mean(photos.map(of));
  const found = photos.flatMap(({ nme }) => (nme === null ? [] : [nme]));
  return {
    psnrDb: average(({ psnrDb }) => psnrDb),
    modelPsnrDb: average(({ modelPsnrDb }) => modelPsnrDb),
    ssim: average(({ ssim }) => ssim),
    nme: mean(found),
    projectedNme: average(({ projectedNme }) => projectedNme),
    identityFront: average(({ identityFront }) => identityFront),
    identitySide: average(({ identitySide }) => identitySide),
    seconds: median(photos.map(({ seconds }) => seconds)),
    peakRssBytes: Math.max(...photos.map(({ peakRssBytes }) => peakRssBytes)),
  };
}
