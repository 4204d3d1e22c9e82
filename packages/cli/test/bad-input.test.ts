import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, startCli } from './helpers/run-cli.js';

const ASTRONAUT = fileURLToPath(new URL('../../../examples/photos/astronaut.png', import.meta.url));
const TINY_MODEL = fileURLToPath(new URL('../../test-utils/fixtures/tiny-face-model', import.meta.url));

/** A PNG file that says it is 20,000 pixels wide and high, and ends there. */
function hugePng(): Buffer {
  const header = Buffer.from('IHDR\0\0\x4e\x20\0\0\x4e\x20\x08\x02\0\0\0', 'latin1');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(header));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\r', 'latin1'),
    header,
    checksum,
    Buffer.from('\0\0\0\x08IDAT'),
  ]);
}

let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'bad-input-'));
  const astronaut = readFileSync(ASTRONAUT);
  copyFileSync(ASTRONAUT, join(home, 'face.png'));
  writeFileSync(join(home, 'empty.jpg'), '');
  writeFileSync(join(home, 'words.jpg'), 'no picture at all\n'.repeat(99));
  writeFileSync(join(home, 'truncated.png'), astronaut.subarray(0, astronaut.length / 2));
  writeFileSync(join(home, 'huge.png'), hugePng());
  writeFileSync(join(home, 'file'), '');
  writeFileSync(join(home, 'words.safetensors'), 'no avatar at all\n');
  mkdirSync(join(home, 'folder'));
  mkdirSync(join(home, 'clip'));
  copyFileSync(ASTRONAUT, join(home, 'clip', '1.png'));
  const grey = (side: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#777' } })
      .png()
      .toBuffer();
  writeFileSync(join(home, 'pixel.png'), await grey(1));
  writeFileSync(join(home, 'nobody.png'), await grey(256));
  writeFileSync(join(home, 'blurred.jpg'), await sharp(ASTRONAUT).blur(16).jpeg().toBuffer());
  const twice = sharp(astronaut).extend({ right: 512, extendWith: 'mirror' });
  writeFileSync(join(home, 'two.webp'), await twice.webp().toBuffer());
  cpSync(TINY_MODEL, join(home, 'damaged-model'), { recursive: true });
  const weights = join(home, 'damaged-model', 'weights', 'uv.onnx');
  const bytes = readFileSync(weights);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(weights, bytes);
});
afterAll(() => rmSync(home, { recursive: true }));

/** Each case runs in an empty folder inside `home`. */
const track = (clip: string, ...rest: string[]) => [
  ...['track', `../${clip}`, '--avatar', '../words.safetensors', '--out', 'out'],
  ...rest,
];
const invert = (photo: string, ...rest: string[]) => ['invert', `../${photo}`, '--out', 'out', ...rest];

describe('exits with 2 and one line, and writes nothing', () => {
  it.concurrent.each<[string, string[], RegExp]>([
    ['a photo that does not exist', invert('missing.jpg'), /missing\.jpg does not exist/],
    ['a folder for a photo', invert('folder'), /folder is a folder/],
    ['0 bytes', invert('empty.jpg'), /empty/],
    ['text for a photo', invert('words.jpg'), /not a picture/],
    ['a photo that ends too early', invert('truncated.png'), /ends too early/],
    ['one pixel', invert('pixel.png'), /1x1/],
    ['a header of 20,000 by 20,000 pixels', invert('huge.png'), /20000x20000/],
    ['nobody in the photo', invert('nobody.png'), /no face/],
    ['a photo blurred beyond recognition', invert('blurred.jpg'), /no face .* Use a sharp photo/],
    [
      'the third of two faces',
      invert('two.webp', '--face', '2'),
      /index should be 0 to 1, the faces found; received 2/,
    ],
    ['a face that is not there', invert('face.png', '--face', '3'), /index should be/],
    ['no photo', ['invert', '--out', 'out'], /missing required argument 'photo'/],
    ['six photos', invert('face.png', ...new Array(5).fill('../face.png')), /At most 5 photos/],
    ['a second photo without a face', invert('face.png', '../nobody.png'), /photo 2 of 2: .*no face/],
    ['no folder for the results', ['invert', '../face.png'], /'-o, --out <dir>' not specified/],
    ['an empty folder name', ['invert', '../face.png', '--out', ''], /should be a path/],
    ['a preset that does not exist', invert('face.png', '--preset', 'fastest'), /fast, default, best/],
    ['a seed that is no whole number', invert('face.png', '--seed', '1.5'), /whole number of 0 to 4294967295/],
    ['a seed below 0', invert('face.png', '--seed=-1'), /whole number/],
    ['an option that does not exist', invert('face.png', '--sead', '1'), /unknown option '--sead'/],
    ['a command that does not exist', ['invort', '../face.png'], /unknown command 'invort'/],
    ['a file for the results', ['invert', '../face.png', '--out', '../file'], /file is a file/],
    ['a folder for the results below a file', ['invert', '../face.png', '--out', '../file/out'], /no folder/],
    ['a place where no folder can be made', ['invert', '../face.png', '--out', '/proc/out'], /\/proc\/out/],
    ['no model', invert('face.png', '--model', '../folder'), /manifest\.json cannot be read/],
    ['a model file that was changed', invert('face.png', '--model', '../damaged-model'), /weights\/uv\.onnx.*SHA-256/],
    [
      'an avatar that does not exist',
      ['export', 'missing.safetensors', '--out', 'out.glb'],
      /cannot be read \(ENOENT\)/,
    ],
    ['text for an avatar', ['export', '../words.safetensors', '--out', 'out.glb'], /Save the avatar again/],
    ['a format that does not exist', ['export', '../words.safetensors', '--out', 'out.stl'], /\.glb or \.obj/],
    ['a clip that does not exist', track('missing'), /missing cannot be read \(ENOENT\)/],
    ['a folder without pictures for a clip', track('folder'), /folder holds no pictures/],
    ['a picture for a clip', track('face.png'), /holds one frame/],
    ['text for a clip', track('words.jpg'), /not a picture/],
    ['text for the avatar of a clip', track('clip'), /Save the avatar again/],
    ['a clip without an avatar', ['track', '../clip', '--out', 'out'], /'-a, --avatar <file>' not specified/],
    ['no frames per second', track('clip', '--fps', '0'), /whole number of 1 to 1000/],
    ['an angle that is none', ['render', '../words.safetensors', '--out', 'out.png', '--yaw', 'left'], /-180 to 180/],
  ])('%s', async (_, args, message) => {
    const cwd = mkdtempSync(join(home, 'case-'));
    const { code, stdout, stderr } = await runCli(args, cwd);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^implicit-faces: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('a folder without write permission', async () => {
    const closed = join(home, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    const { code, stderr } = await runCli(['invert', 'face.png', '--out', join(closed, 'a', 'out')], home);
    expect(stderr).toMatch(/may not be written/);
    expect(code).toBe(2);
    expect(readdirSync(closed)).toEqual([]);
  });
});

it.runIf(process.platform !== 'win32')('leaves nothing behind when it is interrupted', async () => {
  const { child, finished } = startCli(['invert', 'face.png', '--out', join('stopped', 'deep', 'out')], home);
  while (!existsSync(join(home, 'stopped', 'deep')) && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill('SIGINT');
  expect(await finished).toMatchObject({ code: null, signal: 'SIGINT', stdout: '', stderr: '' });
  expect(existsSync(join(home, 'stopped'))).toBe(false);
});

it('shows help, with examples, on stdout', async () => {
  for (const args of [[], ['--help']]) {
    const { code, stdout, stderr } = await runCli(args, home);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/invert .*\n *export .*\n *render /);
  }
  const { code, stdout } = await runCli(['invert', '--help'], home);
  expect(code).toBe(0);
  expect(stdout).toContain('implicit-faces invert me.jpg --out me');
});
