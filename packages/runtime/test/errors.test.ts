import { expect, it } from 'vitest';
import { FaceError, isFaceError, mergeOptions } from '../src/index.js';

it('recognises its own errors, and those of another copy of the package', () => {
  const error = new FaceError('SHAPE', 'message', { cause: 'why' });
  expect(error.cause).toBe('why');
  expect(isFaceError(error)).toBe(true);
  expect(isFaceError(error, 'SHAPE')).toBe(true);
  expect(isFaceError(error, 'MANIFEST')).toBe(false);
  const copy = Object.assign(new Error('message'), { code: 'SHAPE', [Symbol.for('implicit-faces.error')]: true });
  expect(isFaceError(copy, 'SHAPE')).toBe(true);
  for (const other of [new Error('message'), null, 'SHAPE', { code: 'SHAPE' }]) expect(isFaceError(other)).toBe(false);
});

it('merges options, and leaves a default alone where nothing is given', () => {
  const defaults = { steps: 10, seed: 0 };
  expect(mergeOptions(defaults, { steps: undefined, seed: 3 })).toEqual({ steps: 10, seed: 3 });
  expect(mergeOptions(defaults)).toEqual(defaults);
  expect(mergeOptions(defaults)).not.toBe(defaults);
});
