import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createProgress } from '../src/progress.js';

/** A stream that gathers what is written, as a terminal or a pipe. */
function fakeStream(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24, cursorTo() {}, clearLine() {} });
  return stream as unknown as typeof process.stderr & PassThrough;
}

function wordsOf(isTTY: boolean, quiet: boolean): string {
  const stream = fakeStream(isTTY);
  const progress = createProgress({ quiet, stream });
  progress.update('detect', 0.5);
  progress.update('detect', 1);
  progress.update('texture', 0.25);
  progress.stop();
  return stream.read()?.toString() ?? '';
}

it('draws a bar for each stage on a terminal', () => {
  const words = wordsOf(true, false);
  expect(words).toMatch(/detect +█+ 100 %/);
  expect(words).toMatch(/texture +█+░+ 25 %/);
});

it('says nothing in a pipe, or when asked to be quiet', () => {
  expect(wordsOf(false, false)).toBe('');
  expect(wordsOf(true, true)).toBe('');
});
