import { decodeSrgb, encodeSrgb, enlargeTexture } from '@implicit-faces/uv-param';
import type { Avatar, RgbaImage } from './types.js';

/**
 * The skin's texture as the photo's light leaves it, for pictures in `avatar.lighting`: its albedo with the shade painted in. Lit by harmonics alone it looks like the photo.
 *
 * @returns a new image, sRGB; the albedo itself when the avatar has no shade.
 */
export function shadedAlbedo({ albedo, shade }: Pick<Avatar, 'albedo' | 'shade'>): RgbaImage {
  if (!shade) return albedo;
  const { width, height } = albedo;
  const factors = enlargeTexture(shade, width).data;
  const linear = decodeSrgb(albedo.data);
  for (let i = 0; i < linear.length; i++) linear[i] = Math.min(1, linear[i] * factors[i]);
  return { data: encodeSrgb(linear), width, height };
}
