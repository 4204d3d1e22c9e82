/** A level of the pyramid: `[size, size, 3]` values, and `[size, size]` how much is known of each, 0 to 1. */
interface Level {
  values: Float32Array;
  weight: Float32Array;
  size: number;
}

/**
 * Fills what is missing from `[size, size, 3]` values with weights in 0..1: weighted averages down a pyramid, then back up where the finer level knows too little
 * (Gortler et al., "The Lumigraph", 1996, section 3.4). `size` should be a power of two.
 */
export function pullPush(values: Float32Array, weight: Float32Array, size: number): Float32Array {
  const levels: Level[] = [{ values, weight, size }];
  while (levels[levels.length - 1].size > 1) {
    const fine = levels[levels.length - 1];
    const half = fine.size >> 1;
    const coarse = { values: new Float32Array(3 * half * half), weight: new Float32Array(half * half), size: half };
    for (let y = 0; y < half; y++) pullRow(fine, y, coarse);
    levels.push(coarse);
  }
  let filled = levels[levels.length - 1].values;
  for (let l = levels.length - 2; l >= 0; l--) {
    const fine = levels[l];
    const out = new Float32Array(fine.values.length);
    for (let y = 0; y < fine.size; y++) pushRow(filled, fine, y, out);
    filled = out;
  }
  return filled;
}

// A function for a row: engines compile what is called a thousand times sooner than long loops that are entered once.

/** Row y of the coarser level: the four finer values under each, weighted. */
function pullRow({ values, weight, size }: Level, y: number, coarse: Level): void {
  const half = coarse.size;
  for (let x = 0, i = y * half; x < half; x++, i++) {
    const a = 2 * y * size + 2 * x;
    const d = a + size;
    const wa = weight[a];
    const wb = weight[a + 1];
    const wd = weight[d];
    const we = weight[d + 1];
    const total = wa + wb + wd + we;
    if (total <= 0) continue;
    for (let c = 0; c < 3; c++) {
      const sum =
        wa * values[3 * a + c] + wb * values[3 * a + 3 + c] + wd * values[3 * d + c] + we * values[3 * d + 3 + c];
      coarse.values[3 * i + c] = sum / total;
    }
    coarse.weight[i] = Math.min(1, total);
  }
}

/** Row y of the finer level, where it is not known what the coarser one says, bilinear. */
function pushRow(coarse: Float32Array, { values, weight, size }: Level, y: number, out: Float32Array): void {
  const half = size >> 1;
  const cy = Math.min(half - 1, Math.max(0, y / 2 - 0.25));
  const y0 = Math.floor(cy);
  const above = 3 * half * y0;
  const below = 3 * half * Math.min(half - 1, y0 + 1);
  const sy = cy - y0;
  for (let x = 0; x < size; x++) {
    const i = y * size + x;
    const known = weight[i];
    if (known === 1) {
      out[3 * i] = values[3 * i];
      out[3 * i + 1] = values[3 * i + 1];
      out[3 * i + 2] = values[3 * i + 2];
      continue;
    }
    const cx = Math.min(half - 1, Math.max(0, x / 2 - 0.25));
    const x0 = Math.floor(cx);
    const left = 3 * x0;
    const right = 3 * Math.min(half - 1, x0 + 1);
    const sx = cx - x0;
    for (let c = 0; c < 3; c++) {
      const up =
        (1 - sy) * ((1 - sx) * coarse[above + left + c] + sx * coarse[above + right + c]) +
        sy * ((1 - sx) * coarse[below + left + c] + sx * coarse[below + right + c]);
      out[3 * i + c] = known * values[3 * i + c] + (1 - known) * up;
    }
  }
}
