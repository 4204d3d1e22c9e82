// The built command, as `npm run invert` runs it, on real photos. Slow: one photo takes up to two minutes on two processor cores.
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { manifestUrl } from '@implicit-faces/face-model';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ASTRONAUT = join(ROOT, 'examples', 'photos', 'astronaut.png');
const SHARED_PHOTOS = join(ROOT, '..', 'shared', 'data', 'photos');
/** Of the shared photos, what normal runs take: a studio portrait of dark skin, and a face that was generated. */
const SAMPLE = 2;
const TIMEOUT_MS = 900_000;

const home = mkdtempSync(join(tmpdir(), 'end-to-end-'));
afterAll(() => rmSync(home, { recursive: true }));

/** Runs `npm run invert` without npm, from `home`. */
function invert(photo: string, ...rest: string[]) {
  const args = ['.scripts/run.mjs', 'cli', 'implicit-faces', 'invert', photo, ...rest];
  return promisify(execFile)(process.execPath, args, { cwd: ROOT, env: { ...process.env, INIT_CWD: home } });
}

async function expectGoodAvatar(photo: string, out: string): Promise<void> {
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
  expect(report.landmarks.nme).toBeLessThanOrEqual(0.03);
  expect(report.landmarks.projectedNme).toBeLessThanOrEqual(0.04);
  expect(report.image.psnrDb).toBeGreaterThanOrEqual(24);
  expect(report.image.modelPsnrDb).toBeGreaterThanOrEqual(18);
  expect(report.peakRssBytes).toBeLessThanOrEqual(3e9);
  const { autoOrient } = await sharp(photo).metadata();
  for (const name of ['render.png', 'mask.png', 'face.png']) {
    const { width, height } = await sharp(join(out, name)).metadata();
    expect({ name, width, height }).toEqual({ name, ...autoOrient });
  }
}

it('turns the astronaut into an avatar', { timeout: TIMEOUT_MS }, async () => {
  const { stdout, stderr } = await invert(ASTRONAUT, '--out', 'astronaut', '--seed', '3', '--json');
  const out = join(home, 'astronaut');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')));
  expect(readdirSync(home)).toEqual(['astronaut']);
  expect(readdirSync(out).sort()).toEqual([
    'avatar.glb',
    'avatar.safetensors',
    'clay-front.png',
    'clay-left.png',
    'clay-right.png',
    'face.png',
    'front.png',
    'left.png',
    'mask.png',
    'render.png',
    'report.json',
    'right.png',
    'texture.png',
  ]);
  await expectGoodAvatar(ASTRONAUT, out);

  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    model: JSON.parse(readFileSync(manifestUrl, 'utf8')).id,
    preset: 'default',
    seed: 3,
    steps: expect.any(Number),
    image: { ssim: expect.any(Number) },
    camera: { focalLengthPx: expect.any(Number), principalPointPx: [256, 256] },
  });
  expect(Object.keys(report.seconds).sort()).toEqual([
    'detect',
    'encode',
    'finetune',
    'optimise',
    'process',
    'texture',
    'total',
  ]);
  expect(report.seconds.process).toBeGreaterThan(report.seconds.total);
  expect(report.camera.cameraFromWorld).toHaveLength(16);
  expect(report.lighting.flat()).toHaveLength(27);
  expect(report.landmarks.points3d.flat()).toHaveLength(3 * 68);
  // Metres, and the subject's left at +X: the outer corner of the left eye (45) against the right one (36).
  const [rightEye, leftEye] = [report.landmarks.points3d[36], report.landmarks.points3d[45]];
  expect(leftEye[0] - rightEye[0]).toBeGreaterThan(0.07);
  expect(leftEye[0] - rightEye[0]).toBeLessThan(0.12);
  expect((await sharp(join(out, 'texture.png')).metadata()).width).toBeGreaterThanOrEqual(1024);

  // The avatar file serves the other commands.
  const cli = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['.scripts/run.mjs', 'cli', 'implicit-faces', ...args], {
      cwd: ROOT,
      env: { ...process.env, INIT_CWD: home },
    });
  await cli('render', 'astronaut/avatar.safetensors', '--out', 'views/side.png', '--yaw', '-60', '--size', '128');
  await cli('export', 'astronaut/avatar.safetensors', '--out', 'views/me.obj');
  await cli('export', 'astronaut/avatar.safetensors', '--out', 'views/me.glb');
  expect(await sharp(join(home, 'views', 'side.png')).metadata()).toMatchObject({ width: 128, height: 128 });
  expect(readFileSync(join(home, 'views', 'me.obj'), 'utf8')).toMatch(/^mtllib me\.mtl\no head\n/);
  expect(readdirSync(join(home, 'views'))).toEqual(
    expect.arrayContaining(['me.glb', 'me.mtl', 'me-head.png', 'side.png']),
  );
  expect(statSync(join(home, 'views', 'me.glb')).size).toBe(statSync(join(out, 'avatar.glb')).size);

  // A clip of the photo in which nobody is seen for one frame.
  mkdirSync(join(home, 'clip'));
  const nobody = await sharp({ create: { width: 512, height: 512, channels: 3, background: '#777' } })
    .png()
    .toBuffer();
  for (const [i, frame] of [ASTRONAUT, ASTRONAUT, nobody, ASTRONAUT].entries()) {
    writeFileSync(join(home, 'clip', `${i}.png`), typeof frame === 'string' ? readFileSync(frame) : frame);
  }
  const avatarFile = 'astronaut/avatar.safetensors';
  const tracked = await cli('track', 'clip', '--avatar', avatarFile, '--fps', '25', '--out', 'tracked', '--json');
  expect(JSON.parse(tracked.stdout)).toMatchObject({ frames: 4, lostFrames: 1, seconds: { clip: 0.12 } });
  expect(JSON.parse(tracked.stdout).landmarkError).toBeLessThan(0.03);
  const rows = readFileSync(join(home, 'tracked', 'weights.csv'), 'utf8')
    .trim()
    .split('\n');
  expect(rows.map((row) => row.split(',').length)).toEqual(Array(5).fill(53));
  expect(rows[0]).toMatch(/^time,browInnerUp,.*tongueOut$/);
  const poses = readFileSync(join(home, 'tracked', 'pose.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  expect(poses.map((row) => Number(row.split(',')[1]) > 0)).toEqual([true, true, false, true]);
  expect(readdirSync(join(home, 'tracked')).sort()).toEqual(['avatar.glb', 'pose.csv', 'report.json', 'weights.csv']);
});

describe.skipIf(!existsSync(SHARED_PHOTOS))('shared photos', () => {
  const all = existsSync(SHARED_PHOTOS)
    ? readdirSync(SHARED_PHOTOS)
        .filter((file) => /\.(jpe?g|png|webp)$/i.test(file))
        .sort()
    : [];
  // Evenly from the list, so that different sources are in it.
  const chosen = process.env.IMPLICIT_FACES_ALL_PHOTOS
    ? all
    : Array.from({ length: SAMPLE }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / SAMPLE)]);
  it.each(chosen)('%s', { timeout: TIMEOUT_MS }, async (file) => {
    const photo = join(SHARED_PHOTOS, file);
    const out = join(home, basename(file));
    await invert(photo, '--out', out, '--quiet');
    await expectGoodAvatar(photo, out);
  });
});
if (!existsSync(SHARED_PHOTOS)) {
  console.warn(`\n${'!'.repeat(100)}\n!! ${SHARED_PHOTOS} is absent, so ITS TESTS ARE SKIPPED.\n${'!'.repeat(100)}\n`);
}
