import readExif from 'exif-reader';

/** Diagonal of a 35 mm film frame, 36 x 24 mm. */
const FILM_DIAGONAL_MM = Math.hypot(36, 24);
/** How far, as a factor, the proportions of a picture that is still whole may be from those that its camera noted. */
const SAME_PROPORTIONS = 1.02;

/**
 * The focal length that a camera noted in EXIF as its 35 mm equivalent (CIPA DCG-001: of the same diagonal), in pixels of a picture.
 *
 * @param exif - the EXIF block with its `Exif\0\0` header, as sharp's metadata holds it.
 * @param width, height - pixels.
 * @returns nothing where it is not noted, cannot be read, or where the picture was cropped since, so that it no longer holds.
 */
export function focalLengthFromExif(exif: Uint8Array, width: number, height: number): number | undefined {
  const photo = parse(exif);
  const millimetres = photo?.FocalLengthIn35mmFilm;
  if (!millimetres || !(millimetres > 0)) return undefined;
  const { PixelXDimension: x, PixelYDimension: y } = photo;
  if (x && y) {
    const proportions = (a: number, b: number) => Math.max(a, b) / Math.min(a, b);
    const change = proportions(x, y) / proportions(width, height);
    if (Math.max(change, 1 / change) > SAME_PROPORTIONS) return undefined;
  }
  return (millimetres * Math.hypot(width, height)) / FILM_DIAGONAL_MM;
}

/** A damaged block is no reason to refuse its picture. */
function parse(exif: Uint8Array) {
  try {
    return readExif(Buffer.from(exif)).Photo;
  } catch {
    return undefined;
  }
}
