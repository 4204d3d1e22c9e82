import type { RgbaImage } from '@implicit-faces/avatar';
import { createRandom } from '@implicit-faces/test-utils';
import { orbitCamera, type Portrait, type PortraitGenerator } from './portrait.js';

/** Turns of the head in the further photos, degrees, in this order. */
const YAWS = [-35, 35, -15, 15];
const PITCH_DEG = 8;
/** From the camera to the face, metres, and what fits into the picture there. */
const DISTANCE = [0.7, 1.5] as const;
const FRAME = 0.33;
const FACE_CENTRE = [0, 0.005, 0.06] as const;
/** How much of another person's expression is put on. */
const LIVELINESS = 0.7;

/**
 * Further photos of a portrait's person: from other sides and distances, with other expressions, in the portrait's light.
 *
 * @param count - at most 4.
 * @returns square pictures of the portrait's size.
 */
export function takeFurtherPhotos(generator: PortraitGenerator, portrait: Portrait, count: number): RgbaImage[] {
  const random = createRandom(portrait.seed);
  const size = portrait.image.width;
  return YAWS.slice(0, count).map((yaw, i) => {
    const distance = random.uniform(...DISTANCE);
    const [yawRad, pitchRad] = [yaw, random.uniform(-PITCH_DEG, PITCH_DEG)].map((angle) => (angle * Math.PI) / 180);
    const focalLengthPx = (size * distance) / FRAME;
    const camera = orbitCamera(yawRad, pitchRad, 0, distance, FACE_CENTRE, focalLengthPx, size);
    const expression = generator
      .create(portrait.seed + 1000 * (i + 1), { size: 16 })
      .expression.map((weight) => LIVELINESS * weight);
    return generator.perform(portrait.seed, { expression, camera, size, noise: portrait.seed + i + 1 }).image;
  });
}
