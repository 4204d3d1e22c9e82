import { urlFiles } from '@implicit-faces/runtime';
import { ortForBrowserTests } from '@implicit-faces/test-utils/ort-web';
import { afterAll, beforeAll, expect, it } from 'vitest';
import photo from '../../../examples/photos/astronaut.png?url';
import { type Image, type Landmarker, loadLandmarker } from '../src/index.js';
import fixture from './fixtures/astronaut.json' with { type: 'json' };

let landmarker: Landmarker;
let image: Image;

beforeAll(async () => {
  const files = urlFiles(new URL('../models/', import.meta.url));
  landmarker = await loadLandmarker({ ort: ortForBrowserTests(), files });
  const bitmap = await createImageBitmap(await (await fetch(photo)).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  image = context.getImageData(0, 0, bitmap.width, bitmap.height);
});
afterAll(() => landmarker.dispose());

it('gives the landmarks that Node gives, within half a pixel', async () => {
  const { points, box, score, faceCount } = await landmarker.detect(image);
  expect(points).toBeCloseToTensor(fixture.landmarks, 0.5);
  expect(faceCount).toBe(1);
  expect(score).toBeGreaterThan(0.99);
  expect(box.width).toBeCloseTo(94, -1);
});

it('separates the person from the wall', async () => {
  const { box } = await landmarker.detect(image);
  const { data } = await landmarker.mask(image, { box });
  const at = (x: number, y: number) => data[Math.round(y) * image.width + Math.round(x)];
  expect(at(box.x + box.width / 2, box.y + box.height / 2)).toBeGreaterThan(240);
  expect(at(box.x - box.width, box.y)).toBeLessThan(15);
});

it('says that there is no face, here too', async () => {
  const blank = { data: new Uint8ClampedArray(64 * 64 * 4), width: 64, height: 64 };
  await expect(landmarker.detect(blank)).rejects.toMatchObject({ code: 'NO_FACE' });
});
