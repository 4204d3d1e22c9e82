import type { ChartMap } from './topology.js';

/** A map with its edges softened by box blurs of the radius, twice each way; beyond its edge the map goes on as it ends. */
export function softened(map: ChartMap, radius: number): ChartMap {
  const { size } = map;
  let data = map.data;
  for (const stride of [1, size, 1, size]) {
    const other = stride === 1 ? size : 1;
    const out = new Uint8Array(data.length);
    for (let o = 0; o < size; o++) {
      const at = (i: number) => data[o * other + Math.min(size - 1, Math.max(0, i)) * stride];
      let sum = 0;
      for (let k = -radius; k <= radius; k++) sum += at(k);
      for (let i = 0; i < size; i++) {
        out[o * other + i * stride] = sum / (2 * radius + 1);
        sum += at(i + radius + 1) - at(i - radius);
      }
    }
    data = out;
  }
  return { data, size };
}
