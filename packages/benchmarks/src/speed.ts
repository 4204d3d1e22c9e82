import type { OrtRuntime } from '@implicit-faces/runtime';
import type { Codes, SdfModel } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { createProductNetwork, readOnnxGraph } from './onnx-graph.js';
import { median } from './statistics.js';

const POINTS = 16384;
const RUNS = 9;
/** Side of the square matrices whose product shows the machine's peak. */
const SIDE = 1024;

/** Points per second of `evaluate` on 16,384 points, in its own batches: the median of several runs. */
export async function measurePointsPerSecond(model: SdfModel, codes: Codes): Promise<number> {
  const points = createRandom(1).uniforms(3 * POINTS, -0.1, 0.1);
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    await model.evaluate(points, codes);
    rates.push((1000 * POINTS) / (performance.now() - begin));
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
 * Multiply-adds per point of a network's layers: of its products of something that has a row per point with a constant matrix. What depends on
 * the codes alone is done once per batch and not counted, nor are products with matrices made from the codes, which are small, nor what is
 * evaluated at chosen points only (behind `NonZero`, until `ScatterND` puts it back).
 */
export function countFmasPerPoint(bytes: Uint8Array): number {
  const { nodes, batched, constants } = readOnnxGraph(bytes);
  const perPoint = new Set(batched);
  const chosen = new Set<string>();
  const matrices = new Map(constants);
  let sum = 0;
  // Nodes are in an order in which each comes after what it needs.
  for (const { type, inputs, outputs } of nodes) {
    const matrix = matrices.get(inputs[1]);
    if (inputs.some((input) => perPoint.has(input) || chosen.has(input))) {
      const someOnly = type === 'NonZero' || (type !== 'ScatterND' && inputs.some((input) => chosen.has(input)));
      for (const output of outputs) (someOnly ? chosen : perPoint).add(output);
      if ((type === 'MatMul' || type === 'Gemm') && matrix && !someOnly) sum += matrix.reduce((a, b) => a * b, 1);
    } else if (matrices.has(inputs[0]) && (type === 'Transpose' || type === 'Identity' || type === 'Cast')) {
      matrices.set(outputs[0], matrices.get(inputs[0])!);
    }
  }
  return sum;
}
