import type { ChartMap } from './topology.js';

/** A map with its edges softened by box blurs of the radius, twice each way; beyond its edge the map goes on as it ends. */
export function softened(map: ChartMap, radius: number): ChartMap {
  const { size } = map;
  let data = map.data;
  for (const stride of [1, size, 1, size]) {
    const out = new Uint8Array(data.length);
    const other = stride === 1 ? size : 1;
    for (let line = 0; line < size; line++) blurLine(data, line * other, stride, size, radius, out);
    data = out;
  }
  return { data, size };
}

/** One row or column: a sum that runs along. */
function blurLine(data: Uint8Array, from: number, stride: number, size: number, radius: number, out: Uint8Array): void {
  const to = from + (size - 1) * stride;
  const width = 2 * radius + 1;
  let sum = data[from] * (radius + 1);
  for (let k = 1; k <= radius; k++) sum += data[Math.min(to, from + k * stride)];
  let front = from + (radius + 1) * stride;
  let back = from - radius * stride;
  for (let at = from; at <= to; at += stride, front += stride, back += stride) {
    out[at] = sum / width;
    sum += data[Math.min(front, to)] - data[Math.max(back, from)];
  }
}
