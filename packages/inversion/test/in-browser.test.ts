// invertImage in a worker of a real page, against the same in Node.
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { viewCamera } from '@implicit-faces/avatar';
import { loadLandmarker } from '@implicit-faces/landmarks';
import { decodeImage, modelFiles } from '@implicit-faces/landmarks/node';
import { CHROMIUM_ARGS, findChromium, WEBGPU_ARGS } from '@implicit-faces/test-utils/chromium';
import * as ort from 'onnxruntime-node';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type Plugin, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InvertedAvatar, invertImage, STAGES, type Stage } from '../src/index.js';
import { photographKnownFace } from './helpers/known-face.js';
import { hasShippedModel, loadShippedModel, loadTinyModel } from './helpers/models.js';
import type { Page as Api, Run } from './in-browser/page.js';
import type { Known } from './in-browser/worker.js';

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
const PHOTO = join(PACKAGES, '../examples/photos/astronaut.png');
/** Folders of files by their place on the page. */
const SERVED = {
  '/tiny/': join(PACKAGES, 'test-utils/fixtures/tiny-face-model/'),
  '/shipped/': join(PACKAGES, 'face-model/'),
  '/landmarks/': join(PACKAGES, 'landmarks/models/'),
};
const TIMEOUT_MS = 900_000;

const files: Plugin = {
  name: 'files',
  configurePreviewServer({ middlewares }) {
    middlewares.use((request, response, next) => {
      const url = request.url!;
      const place = Object.entries(SERVED).find(([prefix]) => url.startsWith(prefix));
      const file = url === '/photo.png' ? PHOTO : place && join(place[1], url.slice(place[0].length));
      if (!file || !existsSync(file)) return next();
      response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
      createReadStream(file).pipe(response);
    });
  },
};

/** Chrome's own; times in microseconds, `tdur` being the thread's own time. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  tdur?: number;
}

/** What the page marks its main thread with: a trace also holds renderers that Chromium keeps spare. */
const MARK = 'traced page';

/** The longest task of the page's main thread, milliseconds. */
function longestTask(events: readonly TraceEvent[]): number {
  const main = events.find(({ name }) => name === MARK)!;
  const tasks = events.filter(({ pid, tid, name }) => pid === main.pid && tid === main.tid && name.endsWith('RunTask'));
  expect(tasks.length).toBeGreaterThan(0);
  return tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur / 1000), 0);
}

/** Calls one of the page's functions. */
type Call = <K extends keyof Api>(name: K, ...args: Parameters<Api[K]>) => Promise<Awaited<ReturnType<Api[K]>>>;

/** No task of a page may be longer if it is to feel alive. */
const STALL_MS = 50;

/** The astronaut in Node. */
async function invertAstronaut(): Promise<InvertedAvatar> {
  const [model, landmarks] = await Promise.all([loadShippedModel(), loadLandmarker({ ort, files: modelFiles() })]);
  const avatar = await invertImage(await decodeImage(PHOTO), { ort, model, landmarks, preset: 'fast' });
  await Promise.all([model.dispose(), landmarks.dispose()]);
  return avatar;
}

/** A face of the tiny model, for the page, and what Node makes of it. */
async function photographTiny(): Promise<{ known: Known; avatar: InvertedAvatar }> {
  const model = await loadTinyModel();
  const [width, height] = [160, 160];
  const face = await photographKnownFace(model, { camera: viewCamera(5, { size: width }), width, height, seed: 1 });
  const avatar = await invertImage(face.photo, { ort, model, landmarks: face.landmarker, preset: 'fast' });
  await model.dispose();
  const { landmarks, foreground } = avatar.inversion;
  const [pixels, mask, points] = [face.photo.data, foreground, landmarks].map((values) => Array.from(values));
  return { known: { pixels, mask, width, height, points }, avatar };
}

const executablePath = findChromium();
// Skipped loudly by vitest.config.ts, which fails instead where CI=true.
describe.skipIf(!executablePath)('invertImage in a worker', { timeout: TIMEOUT_MS }, () => {
  let server: PreviewServer;
  let browser: Browser;
  let folder: string;
  let tiny: Awaited<ReturnType<typeof photographTiny>>;

  beforeAll(async () => {
    tiny = await photographTiny();
    folder = mkdtempSync(join(tmpdir(), 'in-browser-'));
    const shared = {
      configFile: false,
      logLevel: 'error',
      root: fileURLToPath(new URL('in-browser/', import.meta.url)),
    } as const;
    await build({
      ...shared,
      resolve: { conditions: ['source', 'module', 'import', 'default'] },
      worker: { format: 'es' },
      build: { outDir: folder, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1e5 },
    });
    server = await preview({
      ...shared,
      plugins: [files],
      build: { outDir: folder },
      preview: {
        host: '127.0.0.1',
        port: 0,
        strictPort: false,
        headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
      },
    });
    browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS, ...WEBGPU_ARGS] });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true });
  }, 60_000);

  /** Opens a fresh page and lets `use` call its functions. */
  async function onPage<T>(use: (call: Call, page: Page) => Promise<T>): Promise<T> {
    const page = await browser.newPage();
    const call: Call = (name, ...args) =>
      page.evaluate(
        ([verb, values]) => (window as never as Record<string, (...values: unknown[]) => never>)[verb](...values),
        [name, args] as const,
      );
    try {
      await page.goto(server.resolvedUrls!.local[0]);
      await page.waitForSelector('[data-state=ready]', { state: 'attached' });
      return await use(call, page);
    } finally {
      await page.close();
    }
  }

  /** The longest task of the page's main thread while something runs, milliseconds of processor time: other programs, or the worker on a machine of few cores, do not count. */
  async function longestTaskMs(page: Page, work: () => Promise<unknown>): Promise<number> {
    await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
    await page.evaluate((mark) => performance.mark(mark), MARK);
    await work();
    // A task is in the trace once it has ended, which the one that answers has not quite; after a task of its own it has.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
    return longestTask(traceEvents);
  }

  /** Inverts in the page: the astronaut, or a face that is known. */
  const invert = (model: string, device: 'cpu' | 'webgpu', known?: Known) =>
    onPage(async (call, page) => {
      if (known) await call('prepare', known);
      const longest = await longestTaskMs(page, () => call('invert', model, device));
      return { run: await call('take'), longest };
    });

  function expectSame(run: Run, here: InvertedAvatar, tolerance: { codes: number; pixels: number; psnrDb: number }) {
    expect(run.failed).toBeUndefined();
    const found = run.found!;
    expect(found.landmarks).toBeCloseToTensor(here.inversion.landmarks, tolerance.pixels);
    for (const code of ['geometryCode', 'expressionCode', 'textureCode'] as const) {
      expect(found[code]).toBeCloseToTensor(here[code], tolerance.codes);
    }
    expect(found.cameraFromWorld).toBeCloseToTensor(here.camera.cameraFromWorld, tolerance.codes);
    expect(found.focalLengthPx / here.camera.focalLengthPx).toBeCloseTo(1, 2);
    expect(found.lighting).toBeCloseToTensor(here.lighting, tolerance.codes);
    const [a, b] = [Buffer.from(found.albedo, 'base64'), here.albedo.data];
    expect(a.length).toBe(b.length);
    let squares = 0;
    for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2;
    expect(10 * Math.log10((255 ** 2 * a.length) / squares)).toBeGreaterThan(tolerance.psnrDb);
  }

  function expectProgress({ progress }: Run) {
    expect([...new Set(progress.map(({ stage }) => stage))]).toEqual(STAGES.filter((stage) => stage !== 'finetune'));
    expect(progress.at(-1)).toEqual({ stage: 'texture', fraction: 1 });
  }

  it('sees a page stall that works for itself', async () => {
    const longest = await onPage((call, page) => longestTaskMs(page, () => call('work')));
    expect(longest).toBeGreaterThan(STALL_MS);
  });

  // The tiny model, because a graphics card in software is slow.
  it.each([
    ['WebAssembly', 'cpu'],
    ['WebGPU', 'webgpu'],
  ] as const)('with %s: finds what Node finds while the page goes on', async (_, device) => {
    const { run, longest } = await invert('/tiny', device, tiny.known);
    expectSame(run, tiny.avatar, { codes: 0.05, pixels: 0.5, psnrDb: 40 });
    expectProgress(run);
    expect(longest).toBeLessThan(STALL_MS);
    expect(run.frames).toBeGreaterThan(20);
  });

  it.skipIf(!hasShippedModel)('with WebAssembly and the shipped model: the same of the astronaut', async () => {
    const { run, longest } = await invert('/shipped', 'cpu');
    expectSame(run, await invertAstronaut(), { codes: 0.05, pixels: 0.5, psnrDb: 40 });
    expectProgress(run);
    expect(longest).toBeLessThan(STALL_MS);
  });

  it.each(['detect', 'optimise', 'texture'])('stops in the stage %s when the page cancels', async (stage) => {
    const { failed, found, progress, afterwards } = await onPage(async (call) => {
      await call('prepare', tiny.known);
      await call('invert', '/tiny', 'cpu', stage);
      return call('take');
    });
    expect({ failed: failed?.name, found, afterwards }).toEqual({
      failed: 'AbortError',
      found: undefined,
      afterwards: 0,
    });
    // The worker works on while the page's word is on its way.
    const last = STAGES.indexOf(progress.at(-1)!.stage);
    expect(last).toBeGreaterThanOrEqual(STAGES.indexOf(stage as Stage));
  });
});
