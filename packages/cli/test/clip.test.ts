import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipFrame } from '@implicit-faces/inversion';
import type {} from '@implicit-faces/test-utils';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { type Clip, openClip } from '../src/clip.js';

const home = mkdtempSync(join(tmpdir(), 'clip-'));
afterAll(() => rmSync(home, { recursive: true }));

const SIZE = 64;
const grey = (level: number) => ({ r: level, g: level, b: level });
const picture = (level: number) =>
  sharp({ create: { width: SIZE, height: SIZE, channels: 3, background: grey(level) } })
    .png()
    .toBuffer();

async function all(clip: Clip): Promise<ClipFrame[]> {
  const frames: ClipFrame[] = [];
  for await (const frame of clip.frames()) frames.push(frame);
  return frames;
}

it('reads a folder in the order of its numbers', async () => {
  const folder = join(home, 'folder');
  mkdirSync(folder);
  for (const n of [1, 2, 10]) writeFileSync(join(folder, `frame${n}.png`), await picture(20 * n));
  writeFileSync(join(folder, 'notes.txt'), 'no picture');
  const clip = await openClip(folder, 25);
  const frames = await all(clip);
  expect(clip.frameCount).toBe(3);
  expect(frames.map(({ data }) => data[0])).toEqual([20, 40, 200]);
  expect(frames.map(({ time }) => time)).toEqual([0, 0.04, 0.08]);
});

it.each(['gif', 'webp'] as const)(
  'reads an animated %s file, longer than one part of it, with its own times',
  async (format) => {
    const levels = Array.from({ length: 20 }, (_, i) => 10 * i);
    const data = Buffer.concat(levels.map((level) => Buffer.alloc(3 * SIZE * SIZE, level)));
    const raw = { width: SIZE, height: SIZE * levels.length, channels: 3 as const, pageHeight: SIZE };
    const delay = levels.map((_, i) => (i === 0 ? 0 : 40));
    const file = join(home, `clip.${format}`);
    const animation = sharp(data, { raw });
    await (format === 'gif' ? animation.gif({ delay }) : animation.webp({ delay, lossless: true })).toFile(file);
    const clip = await openClip(file, 30);
    const frames = await all(clip);
    expect(clip.frameCount).toBe(20);
    expect(frames.every(({ width, height }) => width === SIZE && height === SIZE)).toBe(true);
    expect(frames.map(({ data: bytes }) => bytes[0])).toBeCloseToTensor(levels, 6);
    expect(frames.slice(0, 3).map(({ time }) => Math.round(100 * time))).toEqual([0, 10, 14]);
  },
);
