import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseSafetensors, takeTensor } from '@implicit-faces/runtime';
import { SKIN_END } from './face-kit.js';
import type { AtlasCheck } from './uv-metrics.js';

const CHART = fileURLToPath(new URL('../fixtures/chart.safetensors', import.meta.url));

/** Where the generator's skin vertices lie on our chart, `[V, 2]`: what `training/atlas.py --only-fixture` wrote. */
export async function loadChart(path = CHART): Promise<Float32Array> {
  const { tensors } = parseSafetensors(new Uint8Array(await readFile(path)), path);
  return Float32Array.from(takeTensor(tensors, 'uv', 'U16', [SKIN_END, 2]).data, (x) => x / 65535);
}

/**
 * Which triangles of a chart places lie in, and where: what `placesAt` puts on a mesh of the same vertices. A place outside all triangles goes to the nearest one's plane, its weights then
 * reach below 0.
 *
 * @param uv - `[N, 2]`
 * @param chart - `[V, 2]`
 * @param indices - `[F, 3]` of the chart's vertices.
 */
export function locateOnChart(uv: Float32Array, chart: Float32Array, indices: Uint32Array): AtlasCheck {
  const count = uv.length / 2;
  const result = { triangles: new Uint32Array(3 * count), weights: new Float32Array(3 * count), uv };
  for (let n = 0; n < count; n++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let t = 0; t < indices.length && best < 0; t += 3) {
      const [a, b, c] = [2 * indices[t], 2 * indices[t + 1], 2 * indices[t + 2]];
      const [x1, y1] = [chart[b] - chart[a], chart[b + 1] - chart[a + 1]];
      const [x2, y2] = [chart[c] - chart[a], chart[c + 1] - chart[a + 1]];
      const [x, y] = [uv[2 * n] - chart[a], uv[2 * n + 1] - chart[a + 1]];
      const area = x1 * y2 - x2 * y1;
      if (area === 0) continue;
      const wb = (x * y2 - x2 * y) / area;
      const wc = (x1 * y - x * y1) / area;
      const least = Math.min(1 - wb - wc, wb, wc);
      if (least <= best) continue;
      best = least;
      result.triangles.set(indices.subarray(t, t + 3), 3 * n);
      result.weights.set([1 - wb - wc, wb, wc], 3 * n);
    }
  }
  return result;
}
