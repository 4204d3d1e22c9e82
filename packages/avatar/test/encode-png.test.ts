import sharp from 'sharp';
import { expect, it } from 'vitest';
import { encodePng } from '../src/node.js';
import { flatImage } from './meshes.js';

it('encodePng keeps every pixel, and alpha where there is any', async () => {
  const image = flatImage(3, 2, [1, 200, 33]);
  const opaque = await sharp(await encodePng(image))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([opaque.info.channels, opaque.info.width, opaque.info.height]).toEqual([3, 3, 2]);
  image.data[7] = 100;
  const clear = await sharp(await encodePng(image))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(clear.info.channels).toBe(4);
  expect(new Uint8ClampedArray(clear.data)).toEqual(image.data);
});
