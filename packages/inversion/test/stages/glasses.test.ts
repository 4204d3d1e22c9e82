import { createRandom } from '@implicit-faces/test-utils';
import { type ChartMap, REGIONS } from '@implicit-faces/uv-param';
import { describe, expect, it } from 'vitest';
import { findGlasses } from '../../src/stages/glasses.js';

const SIZE = 256;
const EYES = [
  [92, 112],
  [163, 112],
] as const;

/** A face with two eyes, as far as glasses are concerned: their openings, brows above, skin elsewhere. */
const regions: ChartMap = {
  size: SIZE,
  data: Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    if (EYES.some(([u, v]) => ((x - u) / 9) ** 2 + ((y - v) / 5) ** 2 < 1)) return REGIONS.eyeSockets;
    return EYES.some(([u, v]) => Math.abs(x - u) < 16 && Math.abs(y - v + 17) < 4) ? REGIONS.brows : REGIONS.face;
  }),
};

type Paint = (x: number, y: number) => number;

/** Seeded skin with broad light and fine grain, and what is painted on it; logarithms of photo over albedo. */
function skin(seed: number, paint: Paint = () => 0): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: 3 * SIZE * SIZE }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % SIZE, Math.floor(at / 3 / SIZE)];
    return 0.4 * Math.sin(x / 40) + 0.3 * Math.cos(y / 50) + 0.06 * random.normal() + paint(x, y);
  });
}

const fromEye = (x: number, y: number) => Math.min(...EYES.map(([u, v]) => Math.hypot(x - u, y - v)));
const onRim: Paint = (x, y) => Number(Math.abs(fromEye(x, y) - 22) < 1.5);
const onBridge: Paint = (x, y) => Number(Math.abs(y - 108) < 1.5 && x > 113 && x < 142);
const onArm: Paint = (x, y) => Number(Math.abs(y - 108) < 1.5 && (x < 71 || x > 184) && x > 30 && x < 226);
const seen = new Float32Array(SIZE * SIZE).fill(1);

/** Shares of what was painted, and of the rest of the skin, that are found; within four texels of what was painted nothing counts. */
function shares(found: ChartMap, painted: Paint): { painted: number; skin: number } {
  const near = (x: number, y: number) =>
    Array.from({ length: 81 }, (_, k) => painted(x + (k % 9) - 4, y + Math.floor(k / 9) - 4)).some(Boolean);
  const count = { painted: 0, skin: 0, paintedFound: 0, skinFound: 0 };
  for (let i = 0; i < SIZE * SIZE; i++) {
    if (regions.data[i] !== REGIONS.face) continue;
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    const isFound = found.data[i] > 0;
    if (painted(x, y)) {
      count.painted++;
      count.paintedFound += Number(isFound);
    } else {
      count.skin++;
      count.skinFound += Number(isFound && !near(x, y));
    }
  }
  return { painted: count.paintedFound / count.painted, skin: count.skinFound / count.skin };
}

describe('findGlasses', () => {
  const glasses: Paint = (x, y) => Math.max(onRim(x, y), onBridge(x, y), onArm(x, y));

  it.each([
    ['dark rims on light skin', -1.6],
    ['bright rims on dark skin', 1.3],
  ])('finds %s, with bridge and arms, and no skin beside them', (_, contrast) => {
    const found = findGlasses(
      skin(1, (x, y) => contrast * glasses(x, y)),
      seen,
      SIZE,
      regions,
    );
    expect(found).toBeDefined();
    const share = shares(found!, glasses);
    expect(share.painted).toBeGreaterThan(0.97);
    expect(share.skin).toBeLessThan(0.002);
  });

  it('finds them on a finer map, and by the mirror image where one side was not seen', () => {
    const coarse = skin(2, (x, y) => -1.6 * glasses(x, y));
    const size = 2 * SIZE;
    const ratio = new Float32Array(3 * size * size);
    const weight = new Float32Array(size * size);
    for (let i = 0; i < size * size; i++) {
      const at = 3 * ((Math.floor(i / size) >> 1) * SIZE + ((i % size) >> 1));
      weight[i] = Number(i % size < 0.55 * size);
      if (weight[i]) ratio.set(coarse.subarray(at, at + 3), 3 * i);
    }
    const found = findGlasses(ratio, weight, size, regions);
    expect(shares(found!, (x, y) => (x < 128 ? glasses(x, y) : 0)).painted).toBeGreaterThan(0.97);
  });

  const bags: Paint = (x, y) => (y > 112 ? Number(Math.abs(fromEye(x, y) - 14) < 1) : 0);
  it.each<[string, Paint]>([
    ['plain skin', () => 0],
    ['wrinkles under the eyes', (x, y) => -0.7 * bags(x, y)],
    ['one dark eye patch', (x, y) => (Math.hypot(x - EYES[0][0], y - EYES[0][1]) < 24 ? -2 : 0)],
    ['a rim around one eye only', (x, y) => (x < 128 ? -1.6 * onRim(x, y) : 0)],
    ['a hard shadow over the lower face', (_x, y) => (y > 140 ? -1.5 : 0)],
    ['brows of their own', (x, y) => (regions.data[y * SIZE + x] === REGIONS.brows ? -1.5 : 0)],
  ])('takes %s for skin', (_, paint) => {
    expect(findGlasses(skin(3, paint), seen, SIZE, regions)).toBeUndefined();
  });

  it('has no opinion on a chart without eyes or coarser than a rim', () => {
    const rims = skin(4, (x, y) => -1.6 * glasses(x, y));
    const plain = { data: new Uint8Array(SIZE * SIZE).fill(REGIONS.face), size: SIZE };
    expect(findGlasses(rims, seen, SIZE, plain)).toBeUndefined();
    expect(findGlasses(new Float32Array(3 * 128 * 128), new Float32Array(128 * 128), 128, regions)).toBeUndefined();
  });
});
