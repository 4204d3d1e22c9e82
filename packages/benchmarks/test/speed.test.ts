import { BinaryWriter } from '@bufbuild/protobuf/wire';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { countFmasPerPoint, measurePeakFmas } from '../src/speed.js';

/** The bytes of a message: [field, text, number or message]. */
type Field = [number, string | number | Field[]];
function encode(fields: Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of fields) {
    if (typeof value === 'number') writer.tag(field, 0).int64(value);
    else if (typeof value === 'string') writer.tag(field, 2).string(value);
    else writer.tag(field, 2).bytes(encode(value));
  }
  return writer.finish();
}

const node = (type: string, inputs: string[], output: string): Field => [
  1,
  [...inputs.map((name): Field => [1, name]), [2, output], [4, type]],
];
const input = (name: string, dims: Field[]): Field => [
  11,
  [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, 1],
            [2, dims],
          ],
        ],
      ],
    ],
  ],
];
const constant = (name: string, rows: number, columns: number): Field => [
  5,
  [
    [1, rows],
    [1, columns],
    [2, 1],
    [8, name],
  ],
];

it('counts the layers that see every point', () => {
  const graph: Field[] = [
    node('MatMul', ['points', 'frequencies'], 'phases'),
    node('Sin', ['phases'], 'features'),
    node('Transpose', ['weights'], 'turned'),
    node('Gemm', ['features', 'turned', 'bias'], 'hidden'),
    node('NonZero', ['hidden'], 'rows'),
    node('GatherND', ['hidden', 'rows'], 'few'),
    node('MatMul', ['few', 'rare'], 'fewer'),
    node('ScatterND', ['hidden', 'rows', 'fewer'], 'again'),
    node('MatMul', ['again', 'last'], 'finally'),
    node('MatMul', ['codes', 'mixing'], 'folded'),
    node('MatMul', ['hidden', 'folded'], 'distance'),
    constant('frequencies', 3, 16),
    constant('weights', 32, 16),
    constant('mixing', 100, 32),
    constant('rare', 32, 32),
    constant('last', 32, 2),
    input('points', [
      [1, [[2, 'N']]],
      [1, [[1, 3]]],
    ]),
    input('codes', [
      [1, [[1, 1]]],
      [1, [[1, 100]]],
    ]),
  ];
  expect(countFmasPerPoint(encode([[7, graph]]))).toBe(3 * 16 + 32 * 16 + 32 * 2);
  expect(countFmasPerPoint(new Uint8Array(0))).toBe(0);
});

it('measures a peak', async () => {
  expect(await measurePeakFmas(ort, 1)).toBeGreaterThan(1e8);
});
