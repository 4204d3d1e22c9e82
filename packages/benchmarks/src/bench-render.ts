#!/usr/bin/env node
// The command `bench-render`: JSON or a table on stdout.
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Avatar, avatarMeshes, type PartMesh } from '@implicit-faces/avatar';
import { createBaker, type StaticBake } from '@implicit-faces/renderer-webgl';
import { FaceError, isFaceError, parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { loadSdfLayers, loadSdfModel } from '@implicit-faces/sdf-core';
import { createRandom } from '@implicit-faces/test-utils';
import { CHROMIUM_ARGS, findChromium } from '@implicit-faces/test-utils/chromium';
import { bakeAlbedo, encodeSrgb, loadUvModel } from '@implicit-faces/uv-param';
import { Command } from 'commander';
import { MeshoptSimplifier } from 'meshoptimizer';
import * as ort from 'onnxruntime-node';
import { chromium } from 'playwright-core';
import type { RenderBenchInput, RenderBenchResult } from './render/page.js';
import { packArrays } from './render/transfer.js';
import { countFmasPerPoint } from './speed.js';

interface Arguments {
  model: string;
  json?: boolean;
  pictures?: string;
  chromiumArgs?: string;
}

const HERE = dirname(fileURLToPath(import.meta.url));
/** What three.js draws. */
const TRIANGLES = 15_000;
const ALBEDO_SIZE = 1024;
/** WebGPU without a graphics card as well; WebGL2's driver stays what it is. */
const WEBGPU = '--enable-unsafe-webgpu';

const command = new Command('bench-render')
  .description(
    "Measures the renderer in headless Chromium: frame times beside three.js', bakes, and agreement of its paths.",
  )
  .option('--model <dir>', 'folder of the model', fileURLToPath(new URL('../../face-model', import.meta.url)))
  .option('--json', 'print JSON instead of a table')
  .option(
    '--pictures <dir>',
    'also write what was drawn, and which part each pixel of the crops shows: exact, baked, where they differ',
  )
  .option('--chromium-args <args>', 'more flags for Chromium, for example to choose a graphics driver');

async function main(): Promise<void> {
  const options = command.parse().opts<Arguments>();
  const folder = resolve(options.model);
  const input = await prepare(folder);
  const result = await runPage(folder, input, options.chromiumArgs?.split(' ').filter(Boolean) ?? []);
  const { pictures, ...figures } = result;
  if (options.pictures) writePictures(options.pictures, pictures);
  const report = {
    bakedOverThree: result.bakedOverThree,
    fieldEvaluationsPerPixel: result.fieldEvaluationsPerPixel,
    quickUpdateMs: result.quickUpdateMs.lowerQuartile,
    exactBakeMs: result.exactBakeMs.lowerQuartile,
    iouBakedExact: result.iouBakedExact,
    iouMouthEyes: Math.min(result.iouEyes, result.iouMouth),
    meanColourDiff: result.meanColourDiff,
    gzipBytes: gzipSync(readFileSync(join(HERE, 'render-core.js')), { level: 9 }).length,
    details: figures,
  };
  process.stdout.write(options.json ? `${JSON.stringify(report, rounded, 2)}\n` : table(report));
}

/** Somebody with seeded codes, and what needs no browser: the bake of the templates, the textures, the meshes. */
async function prepare(folder: string): Promise<RenderBenchInput> {
  const files = directoryFiles(folder);
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
  const loading = { ort, files, manifest };
  const [layers, uv, sdf] = [await loadSdfLayers(loading), await loadUvModel(loading), await loadSdfModel(loading)];
  const fixed: StaticBake = (await createBaker({ manifest, layers, uv })).fixed;
  const random = createRandom(5);
  const geometry = Float32Array.from({ length: manifest.codes.geometry }, () => 0.8 * random.normal());
  const textureCode = Float32Array.from({ length: manifest.codes.texture }, () => 0.5 * random.normal());
  const expressionCode = new Float32Array(manifest.codes.expression);
  const { data } = await bakeAlbedo(uv, textureCode, expressionCode, ALBEDO_SIZE);
  // Rows: ambient, from above, from the front, from the subject's left; the rest none.
  const lighting = Float32Array.from({ length: 27 }, (_, i) => [2.6, 0.7, 0.9, 0.5][Math.floor(i / 3)] ?? 0);
  const avatar: Avatar = {
    modelId: manifest.id,
    geometryCode: geometry,
    expressionCode,
    textureCode,
    albedo: { data: encodeSrgb(data), width: ALBEDO_SIZE, height: ALBEDO_SIZE },
    camera: { cameraFromWorld: [], focalLengthPx: 1, principalPointPx: [0, 0] },
    lighting,
  };
  const meshes = await avatarMeshes({ manifest, uv, sdf, dispose: async () => undefined }, avatar, { closeNeck: true });
  await MeshoptSimplifier.ready;
  const simplified = simplify(meshes);
  const deformationFmas = countFmasPerPoint(await files.read(manifest.files[manifest.networks.deformation.file].path));
  await Promise.all([layers.dispose(), uv.dispose(), sdf.dispose()]);
  return { fixed, geometry, meshes, simplified, lighting, deformationFmas };
}

/** All parts with the same share of their triangles. */
function simplify(meshes: readonly PartMesh[]): PartMesh[] {
  const share = TRIANGLES / meshes.reduce((sum, { indices }) => sum + indices.length / 3, 0);
  return meshes.map((mesh) => {
    const target = 3 * Math.round((share * mesh.indices.length) / 3);
    const [indices] = MeshoptSimplifier.simplify(mesh.indices, mesh.positions, 3, target, 1);
    return { ...mesh, indices };
  });
}

async function runPage(model: string, input: RenderBenchInput, args: string[]): Promise<RenderBenchResult> {
  const executablePath = findChromium();
  if (!executablePath) {
    throw new FaceError(
      'NO_CHROMIUM',
      'bench-render: Chromium was not found. Install it, or set CHROMIUM_PATH to its file.',
    );
  }
  const server = await serve(model, JSON.stringify(packArrays(input)));
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS, WEBGPU, ...args], timeout: 0 });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    const session = await browser.newBrowserCDPSession();
    await page.exposeFunction('processorMs', async () => {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      const sum = (wanted: string) =>
        processInfo.reduce((ms, { type, cpuTime }) => (type === wanted ? ms + 1000 * cpuTime : ms), 0);
      return { graphics: sum('GPU'), pages: sum('renderer') };
    });
    const failed = new Promise<never>((_, reject) => page.on('pageerror', reject));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'benchRender' in globalThis);
    const run = page.evaluate(async () => {
      const input = await (await fetch('/input.json')).json();
      return (globalThis as unknown as { benchRender(input: unknown): Promise<RenderBenchResult> }).benchRender(input);
    });
    return await Promise.race([run, failed]);
  } finally {
    await browser.close();
    server.close();
  }
}

/** Serves the page, ONNX Runtime's files, the model's and the input. */
async function serve(model: string, input: string): Promise<Server> {
  const ortFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));
  const types: Record<string, string> = {
    js: 'text/javascript',
    mjs: 'text/javascript',
    wasm: 'application/wasm',
    json: 'application/json',
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    const fileOf = (prefix: string, folder: string) => {
      const file = resolve(folder, `.${path.slice(prefix.length - 1)}`);
      return path.startsWith(prefix) && file.startsWith(folder) && existsSync(file) ? file : undefined;
    };
    response.setHeader('Content-Type', types[path.split('.').pop() ?? ''] ?? 'text/html');
    if (path === '/')
      return void response.end('<!doctype html><body><script type="module" src="/render-page.js"></script>');
    if (path === '/favicon.ico') return void response.end();
    if (path === '/input.json') return void response.end(input);
    const file =
      path === '/render-page.js'
        ? join(HERE, 'render-page.js')
        : (fileOf('/ort/', ortFolder) ?? fileOf('/model/', model));
    if (file) return void createReadStream(file).pipe(response);
    response.statusCode = 404;
    response.end();
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  return server;
}

function writePictures(folder: string, pictures: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, url] of Object.entries(pictures)) {
    writeFileSync(join(folder, `${name}.png`), Buffer.from(url.split(',')[1], 'base64'));
  }
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}

function table(report: object): string {
  const lines = (entries: object, indent: string): string[] =>
    Object.entries(entries).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null
        ? [`${indent}${key}\n`, ...lines(value as object, `${indent}  `)]
        : `${(indent + key).padEnd(28)}${rounded('', value)}\n`,
    );
  return lines(report, '').join('');
}

main().catch((error: unknown) => {
  process.stderr.write(`${isFaceError(error) ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 2;
});
