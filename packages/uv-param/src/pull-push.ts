/**
 * Fills what is missing from `[size, size, 3]` values with weights in 0..1: weighted averages down a pyramid, then back up where the finer level knows too little
 * (Gortler et al., "The Lumigraph", 1996, section 3.4). `size` should be a power of two.
 */
export function pullPush(values: Float32Array, weight: Float32Array, size: number): Float32Array {
  const levels = [{ values, weight, size }];
  while (levels[levels.length - 1].size > 1) {
    const fine = levels[levels.length - 1];
    const half = fine.size >> 1;
    const next = { values: new Float32Array(3 * half * half), weight: new Float32Array(half * half), size: half };
    for (let y = 0; y < half; y++) {
      for (let x = 0; x < half; x++) {
        const i = y * half + x;
        let total = 0;
        let [r, g, b] = [0, 0, 0];
        for (let k = 0; k < 4; k++) {
          const j = (2 * y + (k >> 1)) * fine.size + 2 * x + (k & 1);
          const w = fine.weight[j];
          if (w === 0) continue;
          total += w;
          r += w * fine.values[3 * j];
          g += w * fine.values[3 * j + 1];
          b += w * fine.values[3 * j + 2];
        }
        if (total <= 0) continue;
        next.values[3 * i] = r / total;
        next.values[3 * i + 1] = g / total;
        next.values[3 * i + 2] = b / total;
        next.weight[i] = Math.min(1, total);
      }
    }
    levels.push(next);
  }
  let coarse = levels[levels.length - 1].values;
  for (let l = levels.length - 2; l >= 0; l--) {
    const { values: own, weight: sure, size: n } = levels[l];
    const half = n >> 1;
    const out = new Float32Array(own.length);
    for (let y = 0; y < n; y++) {
      const cy = Math.min(half - 1, Math.max(0, y / 2 - 0.25));
      const y0 = Math.floor(cy);
      const y1 = Math.min(half - 1, y0 + 1);
      const sy = cy - y0;
      for (let x = 0; x < n; x++) {
        const i = y * n + x;
        const known = sure[i];
        if (known === 1) {
          for (let c = 0; c < 3; c++) out[3 * i + c] = own[3 * i + c];
          continue;
        }
        const cx = Math.min(half - 1, Math.max(0, x / 2 - 0.25));
        const x0 = Math.floor(cx);
        const x1 = Math.min(half - 1, x0 + 1);
        const sx = cx - x0;
        for (let c = 0; c < 3; c++) {
          const up =
            (1 - sy) * ((1 - sx) * coarse[3 * (y0 * half + x0) + c] + sx * coarse[3 * (y0 * half + x1) + c]) +
            sy * ((1 - sx) * coarse[3 * (y1 * half + x0) + c] + sx * coarse[3 * (y1 * half + x1) + c]);
          out[3 * i + c] = known * own[3 * i + c] + (1 - known) * up;
        }
      }
    }
    coarse = out;
  }
  return coarse;
}
