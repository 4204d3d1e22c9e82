import { type ChartMap, pullPush, REGIONS, resampleChartMap, softened } from '@implicit-faces/uv-param';
import { selectRank } from '../select.js';

/** Side of the map that rims are looked for in, texels of about a millimetre on the face. All lengths below are in them. */
const SIDE = 256;
/** Half the side of the window whose median is the skin around a texel: wider than two rims. */
const WINDOW = 8;
/** So near to an eye's opening nothing is a rim: lashes and the lids' creases are as dark. */
const LASHES = 5;
/** Radii between which a rim runs around the middle of an eye. */
const NEAREST_RIM = 10;
const FARTHEST_RIM = 45;
const DIRECTIONS = 96;
/** What a step of the radius from one direction to the next costs, beside the contrast that a rim gains. */
const BEND = 0.02;
/** The most that a texel's contrast counts, logarithm: a dark mole is no longer piece of a rim for being black. */
const FULL_CONTRAST = 1.5;
/**
 * How much the lower half of both rims contrasts with the skin beside it, on the median. Three synthetic faces with spectacles had 1.1 to 1.5; twelve without any, four photos
 * of wrinkled, bearded and fringed people among them, 0.67 at most. Thin rims of metal may stay below; they are then taken for skin, as they were before.
 */
const LEAST_CONTRAST = 0.9;
/** From the rims, bridge and arms are followed as far as they contrast by this, to so far above the eyes, and no farther below the rims than a rim is wide. */
const ARM_CONTRAST = 0.4;
const REACH = { up: 64, down: 3 };
/** Around what was found, for its soft edge and its shadow. */
const MARGIN = 2;

/**
 * Finds spectacles on the skin: a closed curve around each eye, found by dynamic programming, that is much darker or brighter than the skin on both its sides, with the bridge and the arms
 * that go on from it.
 *
 * @param ratio - `[size, size, 3]` logarithms of photo over albedo on the skin's chart, the size a power of two, 256 or more.
 * @param weight - `[size, size]` 0 to 1, how well each was seen.
 * @returns where something covers the skin, 255, or nothing when nobody wears glasses.
 */
export function findGlasses(
  ratio: Float32Array,
  weight: Float32Array,
  size: number,
  regions: ChartMap,
): ChartMap | undefined {
  if (size < SIDE) return undefined;
  const brightness = coarseBrightness(ratio, weight, size);
  const region = resampleChartMap(regions, SIDE);
  const eyes = [0, 1].map((side) => eyeCentre(region, side));
  if (eyes.some((eye) => eye === undefined)) return undefined;
  const contrast = createContrast(brightness, region);
  const found = new Uint8Array(SIDE * SIDE);
  const queue: number[] = [];
  const cover = (x: number, y: number) => {
    const i = y * SIDE + x;
    if (found[i]) return;
    found[i] = 255;
    queue.push(i);
  };
  let [top, bottom] = [SIDE, 0];
  for (const eye of eyes as [number, number][]) {
    const rim = traceRim(contrast, eye);
    if (rim.contrast < LEAST_CONTRAST) return undefined;
    top = Math.min(top, eye[1] - REACH.up);
    for (const [x, y] of rim.points) {
      bottom = Math.max(bottom, y + REACH.down);
      if (contrast(x, y) > ARM_CONTRAST) cover(x, y);
    }
  }
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    for (let k = 0; k < 9; k++) {
      const [x, y] = [(i % SIDE) + (k % 3) - 1, Math.floor(i / SIDE) + Math.floor(k / 3) - 1];
      // A rim may cross a brow, but what goes on from there is the brow.
      const onSkin = region[y * SIDE + x] !== REGIONS.brows;
      if (onSkin && y > top && y < bottom && contrast(x, y) > ARM_CONTRAST) cover(x, y);
    }
  }
  return { data: grown(found), size: SIDE };
}

/** `[SIDE, SIDE]` mean logarithm of the channels, where a side was not seen that of its mirror image. */
function coarseBrightness(ratio: Float32Array, weight: Float32Array, size: number): Float32Array {
  const step = size / SIDE;
  const values = new Float32Array(3 * SIDE * SIDE);
  const seen = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < size; y++) addBrightness(ratio, weight, y, step, values, seen);
  const joined = new Float32Array(values.length);
  const share = new Float32Array(seen.length);
  for (let i = 0; i < seen.length; i++) {
    const mirror = i + SIDE - 1 - 2 * (i % SIDE);
    const from = seen[i] >= 0.5 * seen[mirror] ? i : mirror;
    if (seen[from] > 0) joined[3 * i] = values[3 * from] / seen[from];
    share[i] = Math.min(1, seen[from] / step ** 2);
  }
  return pullPush(joined, share, SIDE).filter((_, at) => at % 3 === 0);
}

/** Adds row y of the texture to the coarse one's sums. */
function addBrightness(
  ratio: Float32Array,
  weight: Float32Array,
  y: number,
  step: number,
  values: Float32Array,
  seen: Float32Array,
): void {
  const size = SIDE * step;
  const row = Math.floor(y / step) * SIDE;
  for (let x = 0, i = y * size; x < size; x++, i++) {
    if (weight[i] === 0) continue;
    const to = row + Math.floor(x / step);
    seen[to] += weight[i];
    values[3 * to] += (weight[i] * (ratio[3 * i] + ratio[3 * i + 1] + ratio[3 * i + 2])) / 3;
  }
}

/** The middle of the eye's opening on one side of the chart. */
function eyeCentre(region: ArrayLike<number>, side: number): [number, number] | undefined {
  let [x, y, count] = [0, 0, 0];
  for (let i = 0; i < region.length; i++) {
    if (region[i] !== REGIONS.eyeSockets || Number(i % SIDE >= SIDE / 2) !== side) continue;
    x += i % SIDE;
    y += Math.floor(i / SIDE);
    count++;
  }
  return count ? [x / count, y / count] : undefined;
}

/** |ln| of a texel over the median of the window around it, 0 where no skin or brow is; looked at only where it is asked for. */
function createContrast(brightness: Float32Array, region: ArrayLike<number>): (x: number, y: number) => number {
  const known = new Float32Array(SIDE * SIDE).fill(-1);
  const window = new Float32Array((2 * WINDOW + 1) ** 2);
  const dry: readonly number[] = [REGIONS.otherSkin, REGIONS.face, REGIONS.scalp, REGIONS.brows];
  const nearEye = grown(
    Uint8Array.from(region, (r) => (r === REGIONS.eyeSockets ? 255 : 0)),
    LASHES,
  );
  return (x, y) => {
    if (x < WINDOW || y < WINDOW || x >= SIDE - WINDOW || y >= SIDE - WINDOW) return 0;
    const i = y * SIDE + x;
    if (known[i] < 0) {
      known[i] = 0;
      if (dry.includes(region[i]) && !nearEye[i]) {
        let n = 0;
        for (let dy = -WINDOW; dy <= WINDOW; dy++) {
          for (let dx = -WINDOW; dx <= WINDOW; dx++) window[n++] = brightness[i + dy * SIDE + dx];
        }
        known[i] = Math.min(FULL_CONTRAST, Math.abs(brightness[i] - selectRank(window, n, n >> 1)));
      }
    }
    return known[i];
  };
}

/** The closed curve around an eye, its radius changing by at most one from direction to direction, along which the contrast is greatest. */
function traceRim(contrast: (x: number, y: number) => number, [x, y]: [number, number]) {
  const radii = FARTHEST_RIM - NEAREST_RIM + 1;
  const point = (t: number, r: number): [number, number] => {
    const angle = (2 * Math.PI * t) / DIRECTIONS;
    return [Math.round(x + (NEAREST_RIM + r) * Math.cos(angle)), Math.round(y + (NEAREST_RIM + r) * Math.sin(angle))];
  };
  const gain = Array.from({ length: DIRECTIONS }, (_, t) => {
    const along = new Float64Array(radii);
    for (let r = 0; r < radii; r++) along[r] = contrast(...point(t, r));
    return along;
  });
  let best = { total: Number.NEGATIVE_INFINITY, path: new Int32Array(DIRECTIONS) };
  // A closed curve comes back to where it began: once for every few beginnings.
  for (let start = 0; start < radii; start += 2) {
    let total = new Float64Array(radii).fill(Number.NEGATIVE_INFINITY);
    let next = new Float64Array(radii);
    total[start] = 0;
    const from: Int8Array[] = [];
    for (let t = 1; t <= DIRECTIONS; t++) {
      const steps = new Int8Array(radii);
      const here = gain[t % DIRECTIONS];
      for (let r = 0; r < radii; r++) {
        const own = total[r];
        const inner = r > 0 ? total[r - 1] - BEND : Number.NEGATIVE_INFINITY;
        const outer = r + 1 < radii ? total[r + 1] - BEND : Number.NEGATIVE_INFINITY;
        steps[r] = inner > own && inner >= outer ? -1 : outer > own ? 1 : 0;
        next[r] = Math.max(own, inner, outer) + here[r];
      }
      [total, next] = [next, total];
      from.push(steps);
    }
    if (total[start] <= best.total) continue;
    const path = new Int32Array(DIRECTIONS);
    for (let t = DIRECTIONS, r = start; t > 0; t--) {
      path[t % DIRECTIONS] = r;
      r += from[t - 1][r];
    }
    best = { total: total[start], path };
  }
  const lower: number[] = [];
  // v grows downward, so the first half of the directions is the lower one.
  for (let t = 0.06 * DIRECTIONS; t < 0.44 * DIRECTIONS; t++) {
    const at = Math.round(t);
    lower.push(gain[at][best.path[at]]);
  }
  lower.sort((a, b) => a - b);
  return { contrast: lower[lower.length >> 1], points: Array.from(best.path, (r, t) => point(t, r)) };
}

/** What is 255, and what is within some texels of it along each axis. */
function grown(mask: Uint8Array, margin = MARGIN): Uint8Array {
  return softened({ data: mask, size: SIDE }, Math.ceil(margin / 2)).data.map((value) => (value > 0 ? 255 : 0));
}
