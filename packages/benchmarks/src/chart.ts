import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseSafetensors, takeTensor } from '@implicit-faces/runtime';
import { SKIN_END } from './face-kit.js';

const CHART = fileURLToPath(new URL('../fixtures/chart.safetensors', import.meta.url));

/** Where the generator's skin vertices lie on our chart, `[V, 2]`: what `training/atlas.py --only-fixture` wrote. */
export async function loadChart(path = CHART): Promise<Float32Array> {
  const { tensors } = parseSafetensors(new Uint8Array(await readFile(path)), path);
  return Float32Array.from(takeTensor(tensors, 'uv', 'U16', [SKIN_END, 2]).data, (x) => x / 65535);
}
