import { createRandom } from '@implicit-faces/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  checkCodes,
  createCodes,
  createExpression,
  expressionFromArkit,
  isFaceError,
  loadRig,
  mixCodes,
  type Rig,
} from '../src/index.js';
import { readTinyManifest, tinyFiles } from './tiny-model.js';

const manifest = await readTinyManifest();

describe('codes', () => {
  it('are zeros at rest', () => {
    const codes = createCodes(manifest);
    expect(codes.geometry).toEqual(new Float32Array(4));
    expect(codes.expression).toEqual(new Float32Array(3));
    checkCodes(manifest, codes);
  });

  it('are named', () => {
    expect(createExpression(manifest, { eyeBlink_L: 0.5 })).toEqual(new Float32Array([0, 0.5, 0]));
    expect(() => createExpression(manifest, { eyeBlinkLeft: 1 })).toThrow(/no eyeBlinkLeft.*eyeBlink_L/);
  });

  it.each([
    ['a code too long', { geometry: new Float32Array(5) }, /geometry should be .* of 4 .*received 5 numbers/],
    ['NaN', { expression: new Float32Array([0, Number.NaN, 0]) }, /expression .*received NaN at 1/],
    ['a plain list', { expression: [0, 0, 0] as unknown as Float32Array }, /expression .*received object/],
    ['nothing', { geometry: undefined as unknown as Float32Array }, /geometry .*received undefined/],
  ])('refuse %s', (_, change, message) => {
    const check = () => checkCodes(manifest, { ...createCodes(manifest), ...change });
    expect(check).toThrow(message);
    expect(check).toThrow(expect.toSatisfy((error) => isFaceError(error, 'CODES')));
  });

  it('mix along a straight line', () => {
    const random = createRandom(1);
    const some = () => ({ geometry: random.uniforms(4, -2, 2), expression: random.uniforms(3) });
    const [a, b] = [some(), some()];
    expect(mixCodes(a, b, 0)).toEqual(a);
    expect(mixCodes(a, b, 1).geometry).toBeCloseToTensor(b.geometry, 1e-6);
    const quarter = mixCodes(a, b, 0.25);
    expect(quarter.expression).toBeCloseToTensor(
      a.expression.map((x, i) => 0.75 * x + 0.25 * b.expression[i]),
      1e-6,
    );
    expect(() => mixCodes(a, { ...b, geometry: new Float32Array(3) }, 0.5)).toThrow(/geometry should be of one model/);
  });
});

describe('the ARKit rig', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await loadRig({ files: tinyFiles, manifest });
  });

  it('is a matrix on 52 weights', () => {
    const random = createRandom(2);
    const weights = random.uniforms(52);
    const jaw = rig.arkitNames.indexOf('jawOpen');
    const close = rig.arkitNames.indexOf('mouthClose');
    const expression = expressionFromArkit(rig, weights);
    expect(expression).toBeCloseToTensor(
      [
        weights[jaw] + 0.25 * weights[close],
        weights[rig.arkitNames.indexOf('eyeBlinkLeft')],
        weights[rig.arkitNames.indexOf('eyeBlinkRight')],
      ],
      1e-6,
    );
  });

  it('takes weights by name', () => {
    expect(expressionFromArkit(rig, { jawOpen: 0.5 })).toEqual(new Float32Array([0.5, 0, 0]));
    expect(() => expressionFromArkit(rig, { jawOpenn: 1 })).toThrow(/no jawOpenn/);
    expect(() => expressionFromArkit(rig, new Float32Array(51))).toThrow(/52 numbers; received 51/);
  });
});
