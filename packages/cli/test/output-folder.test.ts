import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOutputFolder } from '../src/output/output-folder.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'output-folder-'));
});
afterEach(() => rmSync(home, { recursive: true }));

describe('a folder that does not exist', () => {
  it('appears whole, with its parents', async () => {
    const out = join(home, 'a', 'b', 'out');
    const folder = openOutputFolder(out, ['x.txt', 'y.txt']);
    await folder.write('x.txt', 'one');
    await folder.write('y.txt', 'two');
    expect(existsSync(out)).toBe(false);
    folder.commit();
    folder.discard();
    expect(readdirSync(out).sort()).toEqual(['x.txt', 'y.txt']);
    expect(readdirSync(join(home, 'a', 'b'))).toEqual(['out']);
  });

  it('leaves nothing behind when discarded, parents included', async () => {
    const folder = openOutputFolder(join(home, 'a', 'b', 'out'), ['x.txt']);
    await folder.write('x.txt', 'one');
    folder.discard();
    expect(readdirSync(home)).toEqual([]);
  });

  it('keeps a parent that somebody else has begun to use', async () => {
    const folder = openOutputFolder(join(home, 'a', 'b', 'out'), []);
    writeFileSync(join(home, 'a', 'other.txt'), '');
    folder.discard();
    expect(readdirSync(join(home, 'a'))).toEqual(['other.txt']);
  });
});

describe('a folder that exists', () => {
  it('keeps its other files', async () => {
    writeFileSync(join(home, 'mine.txt'), 'mine');
    writeFileSync(join(home, 'x.txt'), 'old');
    const folder = openOutputFolder(home, ['x.txt']);
    await folder.write('x.txt', 'new');
    expect(readFileSync(join(home, 'x.txt'), 'utf8')).toBe('old');
    folder.commit();
    expect(readdirSync(home).sort()).toEqual(['mine.txt', 'x.txt']);
    expect(readFileSync(join(home, 'x.txt'), 'utf8')).toBe('new');
  });

  it('is as before when discarded', async () => {
    writeFileSync(join(home, 'x.txt'), 'old');
    const folder = openOutputFolder(home, ['x.txt']);
    await folder.write('x.txt', 'new');
    folder.discard();
    expect(readdirSync(home)).toEqual(['x.txt']);
    expect(readFileSync(join(home, 'x.txt'), 'utf8')).toBe('old');
  });
});

describe('what cannot be written is refused at once', () => {
  it.each([
    ['a file in its place', () => writeFileSync(join(home, 'out'), ''), 'out', /out is a file/],
    ['a file as its parent', () => writeFileSync(join(home, 'a'), ''), join('a', 'out'), /no folder/],
    [
      'a folder in place of a file',
      () => mkdirSync(join(home, 'out', 'x.txt'), { recursive: true }),
      'out',
      /x\.txt is a folder/,
    ],
    ['a name that is too long', () => {}, 'o'.repeat(300), /too long/],
  ])('%s', (_, prepare, path, message) => {
    prepare();
    const before = readdirSync(home, { recursive: true });
    expect(() => openOutputFolder(join(home, path), ['x.txt'])).toThrow(
      expect.objectContaining({ code: 'OUTPUT', message: expect.stringMatching(message) }),
    );
    expect(readdirSync(home, { recursive: true })).toEqual(before);
  });
});

it('hears no signals any more once it is closed', async () => {
  const before = process.listenerCount('SIGINT');
  const folder = openOutputFolder(join(home, 'out'), []);
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  folder.discard();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
