import type { OrtRuntime } from '@implicit-faces/runtime';
import type { Codes, SdfModel } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { createProductNetwork, readOnnxGraph } from './onnx-graph.js';
import { median } from './statistics.js';

const BATCH = 16384;
const RUNS = 9;
/** Side of the square matrices whose product shows the machine's peak. */
const SIDE = 1024;

/** Points per second of `evaluate` in batches of 16,384: the median of several runs. */
export async function measurePointsPerSecond(model: SdfModel, codes: Codes): Promise<number> {
  const points = createRandom(1).uniforms(3 * BATCH, -0.1, 0.1);
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    await model.evaluate(points, codes);
    rates.push((1000 * BATCH) / (performance.now() - begin));
  }
  return median(rates);
}

/** Multiply-adds per second that this machine reaches in ONNX Runtime on a large matrix product: the best of several runs. */
export async function measurePeakFmas(ort: OrtRuntime, threads: number): Promise<number> {
  const session = await ort.InferenceSession.create(createProductNetwork(SIDE), { intraOpNumThreads: threads });
  const random = createRandom(2);
  const matrix = () => new ort.Tensor('float32', random.uniforms(SIDE * SIDE, -1, 1), [SIDE, SIDE]);
  const feeds = { a: matrix(), b: matrix() };
  let best = 0;
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    await session.run(feeds);
    best = Math.max(best, (1000 * SIDE ** 3) / (performance.now() - begin));
  }
  await session.release();
  return best;
}

/**
 * Multiply-adds per point of a network's matrix products, from the shapes that are written in its file. Products without a free axis (what only
 * depends on the codes) are not counted.
 *
 * @returns undefined where the file does not say the shapes.
 */
export function countFmasPerPoint(bytes: Uint8Array): number | undefined {
  const { nodes, shapes } = readOnnxGraph(bytes);
  let sum = 0;
  for (const { type, inputs, outputs } of nodes) {
    if (type !== 'MatMul' && type !== 'Gemm') continue;
    const left = shapes.get(inputs[0]);
    const result = shapes.get(outputs[0]);
    if (!left || !result) return undefined;
    if (!result.includes(undefined)) continue;
    sum += result.reduce<number>((product, n) => product * (n ?? 1), left.at(-1) ?? 0);
  }
  return sum;
}
