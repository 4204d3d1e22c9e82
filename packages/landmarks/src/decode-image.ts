import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { FaceError, type LandmarksErrorCode } from './errors.js';
import { focalLengthFromExif } from './focal-length.js';
import type { Image } from './types.js';

export interface DecodeImageOptions {
  /** Pictures with more pixels are refused by their header, before any is decoded. */
  maxPixels?: number;
  /** Pictures whose shorter side is below this are refused: no face fits in. */
  minSide?: number;
  signal?: AbortSignal;
}

export const DECODE_IMAGE_DEFAULTS = { maxPixels: 100e6, minSide: 16 } as const satisfies DecodeImageOptions;

/** A picture with what its file says of the camera. */
export interface DecodedImage extends Image {
  focalLengthPx?: number;
}

/**
 * Reads a picture file as upright 8-bit sRGB: EXIF orientation applied, colour profile, greyscale, 16 bits and CMYK converted, alpha
 * flattened on white. The focal length comes from EXIF (35 mm equivalent) where the camera noted it and the picture was not cropped since.
 *
 * @param source - A path, a `file:` URL, or the file's bytes. JPEG, PNG, WebP, AVIF, GIF, TIFF.
 * @throws FaceError `IMAGE_FILE` when the file cannot be read, `IMAGE_FORMAT` when it is empty, no picture or a damaged one,
 *   `IMAGE_SIZE` when it has too many pixels or too few.
 * @example const image = await decodeImage('portrait.jpg'); // { data: Uint8ClampedArray, width: 1024, height: 1365 }
 */
export async function decodeImage(
  source: string | URL | Uint8Array,
  options: DecodeImageOptions = {},
): Promise<DecodedImage> {
  const { maxPixels = DECODE_IMAGE_DEFAULTS.maxPixels, minSide = DECODE_IMAGE_DEFAULTS.minSide, signal } = options;
  const { bytes, name } = await readSource(source, signal);
  if (bytes.length === 0) {
    throw new FaceError<LandmarksErrorCode>(
      'IMAGE_FORMAT',
      `decodeImage: ${name} is empty (0 bytes). Pass a JPEG, PNG or WebP picture.`,
    );
  }
  // Our own check of the size comes first, with our own words; 'error' also catches files that end early.
  const picture = sharp(bytes, { failOn: 'error', limitInputPixels: false });
  const { width, height, exif } = await picture.metadata().catch((cause: unknown) => {
    throw new FaceError<LandmarksErrorCode>(
      'IMAGE_FORMAT',
      `decodeImage: ${name} is not a picture that can be read. Pass a JPEG, PNG, WebP, AVIF, GIF or TIFF file.`,
      { cause },
    );
  });
  if (width * height > maxPixels) {
    throw new FaceError<LandmarksErrorCode>(
      'IMAGE_SIZE',
      `decodeImage: ${name} has ${width}x${height} pixels; at most ${maxPixels / 1e6} million are read. Make it smaller.`,
    );
  }
  if (Math.min(width, height) < minSide) {
    throw new FaceError<LandmarksErrorCode>(
      'IMAGE_SIZE',
      `decodeImage: ${name} has ${width}x${height} pixels; each side should have ${minSide} or more. Pass a larger picture.`,
    );
  }
  signal?.throwIfAborted();
  const { data, info } = await picture
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw new FaceError<LandmarksErrorCode>(
        'IMAGE_FORMAT',
        `decodeImage: ${name} is damaged or ends too early. Copy or download it again.`,
        {
          cause,
        },
      );
    });
  signal?.throwIfAborted();
  const focalLengthPx = exif && focalLengthFromExif(exif, info.width, info.height);
  return {
    data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length),
    width: info.width,
    height: info.height,
    ...(focalLengthPx && { focalLengthPx }),
  };
}

async function readSource(source: string | URL | Uint8Array, signal: AbortSignal | undefined) {
  if (source instanceof Uint8Array) return { bytes: source, name: `the picture (${source.length} bytes)` };
  const path = typeof source === 'string' ? source : fileURLToPath(source);
  try {
    return { bytes: await readFile(path, { signal }), name: path };
  } catch (cause) {
    signal?.throwIfAborted();
    const { code } = cause as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: 'does not exist. Check the path',
      EISDIR: 'is a folder. Pass a picture file',
      EACCES: 'may not be read. Check its permissions',
    };
    throw new FaceError<LandmarksErrorCode>(
      'IMAGE_FILE',
      `decodeImage: ${path} ${reasons[code ?? ''] ?? `cannot be read (${code})`}.`,
      { cause },
    );
  }
}
