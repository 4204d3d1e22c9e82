import { createRandom } from '@implicit-faces/test-utils';
import { expect, it } from 'vitest';
import { computePsnrDb, computeSsim } from '../src/image-quality.js';

const WIDTH = 31;
const HEIGHT = 23;

function noise(seed: number) {
  const random = createRandom(seed);
  const data = Uint8ClampedArray.from({ length: 4 * WIDTH * HEIGHT }, (_, i) =>
    i % 4 === 3 ? 255 : random.uniform(40, 200),
  );
  return { data, width: WIDTH, height: HEIGHT };
}

/** An ellipse that stays away from the border. */
const mask = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
  Math.hypot(((i % WIDTH) - 15) / 9, (Math.floor(i / WIDTH) - 11) / 5) < 1 ? 255 : 0,
);

it('measures a uniform error in decibels, inside the mask only', () => {
  const a = noise(1);
  const b = { ...a, data: a.data.map((value, i) => (i % 4 === 3 || mask[i >> 2] === 0 ? 0 : value + 10)) };
  expect(computePsnrDb(a, b, mask)).toBeCloseTo(20 * Math.log10(255 / 10), 10);
});

it('stays finite for equal pictures', () => {
  expect(computePsnrDb(noise(1), noise(1), mask)).toBeGreaterThan(100);
  expect(computeSsim(noise(1), noise(1), mask)).toBeCloseTo(1, 12);
});

it('knows that nothing was compared', () => {
  const none = new Uint8Array(WIDTH * HEIGHT);
  expect(computePsnrDb(noise(1), noise(2), none)).toBeNaN();
  expect(computeSsim(noise(1), noise(2), none)).toBeNaN();
});

it('agrees with the structural similarity written out window by window (seeds 1 and 2)', () => {
  const [a, b] = [noise(1), noise(2)];
  const luma = ({ data }: { data: Uint8ClampedArray }, x: number, y: number) => {
    const i = 4 * (y * WIDTH + x);
    return 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  };
  const offsets = Array.from({ length: 11 }, (_, k) => k - 5);
  let sum = 0;
  let count = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      if (mask[y * WIDTH + x] === 0) continue;
      const samples = offsets.flatMap((dy) =>
        offsets.map((dx) => ({
          weight: Math.exp(-(dx * dx + dy * dy) / 4.5),
          p: luma(a, x + dx, y + dy),
          q: luma(b, x + dx, y + dy),
        })),
      );
      const total = samples.reduce((s, { weight }) => s + weight, 0);
      const mean = (value: (s: (typeof samples)[number]) => number) =>
        samples.reduce((s, sample) => s + sample.weight * value(sample), 0) / total;
      const [mp, mq] = [mean(({ p }) => p), mean(({ q }) => q)];
      const variance = mean(({ p }) => (p - mp) ** 2) + mean(({ q }) => (q - mq) ** 2);
      const covariance = mean(({ p, q }) => (p - mp) * (q - mq));
      sum +=
        ((2 * mp * mq + 6.5025) * (2 * covariance + 58.5225)) / ((mp * mp + mq * mq + 6.5025) * (variance + 58.5225));
      count++;
    }
  }
  expect(computeSsim(a, b, mask)).toBeCloseTo(sum / count, 9);
});
