// What `bench-render` runs in Chromium. `benchRender` is called from outside with what Node prepared, and gives every figure.
import type { PartMesh } from '@implicit-faces/avatar';
import {
  createAvatarRenderer,
  createBakedRenderer,
  createBaker,
  FACE_GLOSS,
  type PosedBake,
  renderExact,
  type StaticBake,
} from '@implicit-faces/renderer-webgl';
import { type OrtRuntime, parseManifest, urlFiles } from '@implicit-faces/runtime';
import { createExpression, loadSdfLayers, loadSdfModel } from '@implicit-faces/sdf-core';
import { loadUvModel } from '@implicit-faces/uv-param';
import { mat4 } from 'gl-matrix';
import * as THREE from 'three';
import { measureSimdPeak } from './simd-peak.js';
import { unpackArrays } from './transfer.js';
import { timeWebGpuFrames, type WebGpuFrames } from './webgpu-frames.js';

export interface RenderBenchInput {
  fixed: StaticBake;
  geometry: Float32Array;
  meshes: PartMesh[];
  /** The head as three.js gets it: fewer triangles. */
  simplified: PartMesh[];
  lighting: Float32Array;
  deformationFmas: number;
}

/** Of many times, ms. A busy machine only ever adds to them, so that the lower quartile varies less than the median. */
export interface Spread {
  least: number;
  lowerQuartile: number;
  median: number;
}

export interface RenderBenchResult {
  bakedMs: Spread;
  meshMs: Spread;
  threeMs: Spread;
  /** The median, over all rounds, of the baked path's time over three.js' in the same round. */
  bakedOverThree: number;
  /** The same of all rounds' processor time in the graphics process: what a frame costs where there is no graphics card, whatever else the machine does. */
  bakedOverThreeProcessor: number;
  /** `null` where there is no WebGPU adapter. */
  webGpu: Omit<WebGpuFrames, 'picture'> | null;
  threeTriangles: number;
  fieldEvaluationsPerPixel: number;
  quickUpdateMs: Spread;
  /** The page's processor time of all quick bakes over their number: the mean, with the garbage that they leave. */
  quickUpdateProcessorMs: number;
  exactBakeMs: Spread;
  exactBakePoints: number;
  deformationMs: number;
  simdPeakGflops: number;
  shareOfPeak: number;
  iouBakedExact: number;
  iouMeshExact: number;
  iouQuickExact: number;
  iouEyes: number;
  iouMouth: number;
  /** Of each crop and pose, the parts together: pixels in both masks, and in either. */
  partMasks: Record<string, { both: number; either: number }>;
  meanColourDiff: number;
  /** PNGs as data URLs by name. */
  pictures: Record<string, string>;
}

const EXPRESSIONS: Record<string, Record<string, number>> = {
  closed: {},
  smile: { mouthSmile_L: 0.6, mouthSmile_R: 0.6 },
  blink: { eyeBlink_L: 1, eyeBlink_R: 1 },
  jawOpen: { jawOpen: 0.8 },
};
const FRAME = 512;
const VIEW_SIZE = 160;
const CROP_SIZE = 112;
/** Rounds of frames, and quick bakes, that are timed. */
const ROUNDS = 20;
const QUICK_BAKES = 60;
/** three.js' frames in a round: about as long as one of the baked path, so that what else the machine does weighs on both alike. */
const THREE_FRAMES = 5;

/** Processor time of Chromium's graphics process and of those of its pages so far, ms: from bench-render.ts. */
declare const processorMs: () => Promise<{ graphics: number; pages: number }>;

/** A perspective camera that looks at a place from a distance, turned about the vertical axis. */
function view(target: [number, number, number], distance: number, fovY: number, yaw: number, size: number) {
  const eye: [number, number, number] = [
    target[0] + distance * Math.sin(yaw),
    target[1],
    target[2] + distance * Math.cos(yaw),
  ];
  return {
    clipFromCamera: Float32Array.from(mat4.perspective(mat4.create(), fovY, 1, 0.05, 10)),
    cameraFromWorld: Float32Array.from(mat4.lookAt(mat4.create(), eye, target, [0, 1, 0])),
    viewport: [0, 0, size, size] as const,
  };
}

const FRONT = (size: number) => view([0, -0.02, 0], 0.7, 0.5, 0, size);
const TURNED = (size: number) => view([0, -0.02, 0], 0.7, 0.5, 0.6, size);
const MOUTH = view([0, -0.055, 0.06], 0.5, 0.16, 0.15, CROP_SIZE);
const EYES = view([0, 0.035, 0.06], 0.5, 0.2, -0.15, CROP_SIZE);

function createCanvas(size: number) {
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const gl = canvas.getContext('webgl2', { preserveDrawingBuffer: true, antialias: false });
  if (!gl) throw new Error('bench-render needs WebGL2.');
  return { canvas, gl };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { least: sorted[0], lowerQuartile: sorted[sorted.length >> 2], median: sorted[sorted.length >> 1] };
}

interface Timed {
  gl: WebGL2RenderingContext;
  draw: () => void;
  /** How many in a round. */
  frames: number;
}

/** Draws in turn, each frame waited for. @returns of each the times of a frame in all rounds, and the processor time of all its frames over their number, ms. */
async function timeInTurn(draws: readonly Timed[]): Promise<{ times: number[]; processorMs: number }[]> {
  const results = draws.map(() => ({ times: [] as number[], processorMs: 0 }));
  const pixel = new Uint8Array(4);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, { gl, draw, frames }] of draws.entries()) {
      const processorBegin = (await processorMs()).graphics;
      const begin = performance.now();
      for (let frame = 0; frame < frames; frame++) {
        draw();
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      }
      const ms = (performance.now() - begin) / frames;
      const processor = ((await processorMs()).graphics - processorBegin) / frames / ROUNDS;
      if (round < 0) continue;
      results[i].times.push(ms);
      results[i].processorMs += processor;
    }
  }
  return results;
}

function clear(gl: WebGL2RenderingContext, rgba: readonly [number, number, number, number]): void {
  gl.clearColor(...rgba);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
}

/** A frame: a grey background and what `draw` draws. */
function drawOn(gl: WebGL2RenderingContext, draw: () => void): void {
  clear(gl, [0.3, 0.3, 0.3, 1]);
  draw();
}

function readPixels(gl: WebGL2RenderingContext): Uint8Array {
  const pixels = new Uint8Array(4 * gl.drawingBufferWidth * gl.drawingBufferHeight);
  gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return pixels;
}

/** three.js' picture of the same head: a standard material, the same texture, one light probe. */
function createThree(
  canvas: HTMLCanvasElement,
  gl: WebGL2RenderingContext,
  meshes: PartMesh[],
  lighting: Float32Array,
) {
  const renderer = new THREE.WebGLRenderer({ canvas, context: gl, antialias: false });
  renderer.setSize(FRAME, FRAME, false);
  const scene = new THREE.Scene();
  const probe = new THREE.LightProbe();
  // three.js keeps radiance and multiplies by the cosine's coefficients; ours are of shading.
  const cosine = [Math.PI, 2.094395, 2.094395, 2.094395, 0.785398, 0.785398, 0.785398, 0.785398, 0.785398];
  probe.sh.coefficients.forEach((c, k) => {
    c.set(lighting[3 * k], lighting[3 * k + 1], lighting[3 * k + 2]).multiplyScalar(Math.PI / cosine[k]);
  });
  scene.add(probe);
  for (const { positions, normals, uvs, indices, image } of meshes) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(positions, 3));
    geometry.setAttribute('normal', new THREE.BufferAttribute(normals, 3));
    geometry.setAttribute('uv', new THREE.BufferAttribute(uvs, 2));
    geometry.setIndex(new THREE.BufferAttribute(indices, 1));
    const map = new THREE.DataTexture(new Uint8Array(image.data), image.width, image.height);
    map.colorSpace = THREE.SRGBColorSpace;
    map.generateMipmaps = true;
    map.minFilter = THREE.LinearMipmapLinearFilter;
    map.magFilter = THREE.LinearFilter;
    map.anisotropy = 8;
    map.needsUpdate = true;
    scene.add(new THREE.Mesh(geometry, new THREE.MeshStandardMaterial({ map, roughness: 0.6 })));
  }
  const camera = new THREE.PerspectiveCamera((0.5 * 180) / Math.PI, 1, 0.05, 10);
  camera.position.set(0, -0.02, 0.7);
  camera.lookAt(0, -0.02, 0);
  return { renderer, draw: () => renderer.render(scene, camera) };
}

/** Pixels that both cover over pixels that either does. */
function intersectionOverUnion(a: Uint8Array, b: Uint8Array, covered: (pixels: Uint8Array, i: number) => boolean) {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i += 4) {
    const [x, y] = [covered(a, i), covered(b, i)];
    if (x && y) both++;
    if (x || y) either++;
  }
  return { both, either };
}

/** Colours of parts in pictures of masks: skin, eyes, upper and lower teeth, tongue. */
const PART_COLOURS = ['#c9a08c', '#4a7dff', '#4a7dff', '#f4f1e4', '#d8c24a', '#d1495b'];
const MASK_ZOOM = 4;

/** A picture of which part each pixel shows: exact, baked, and, on grey, what the baked path shows where they differ, outlined in what the exact one does. */
function drawMasks(exact: Uint8Array, baked: Uint8Array): string {
  const canvas = document.createElement('canvas');
  canvas.width = 3 * CROP_SIZE * MASK_ZOOM;
  canvas.height = CROP_SIZE * MASK_ZOOM;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('bench-render needs a 2D canvas.');
  const colourOf = (pixels: Uint8Array, i: number) => (pixels[i + 3] === 0 ? '#101018' : PART_COLOURS[pixels[i + 1]]);
  for (let n = 0; n < CROP_SIZE * CROP_SIZE; n++) {
    const [x, y] = [n % CROP_SIZE, CROP_SIZE - 1 - Math.floor(n / CROP_SIZE)];
    const [wanted, found] = [colourOf(exact, 4 * n), colourOf(baked, 4 * n)];
    const square = (column: number, colour: string, inset = 0) => {
      context.fillStyle = colour;
      const side = MASK_ZOOM - 2 * inset;
      context.fillRect((column * CROP_SIZE + x) * MASK_ZOOM + inset, y * MASK_ZOOM + inset, side, side);
    };
    square(0, wanted);
    square(1, found);
    square(2, wanted === found ? '#505058' : wanted);
    if (wanted !== found) square(2, found, 1);
  }
  return canvas.toDataURL();
}

async function benchRender(packed: unknown): Promise<RenderBenchResult> {
  const input = unpackArrays(packed) as RenderBenchInput;
  const ortUrl = new URL('/ort/ort.wasm.min.mjs', location.href).href;
  const ort = (await import(/* @vite-ignore */ ortUrl)) as OrtRuntime & {
    env: { wasm: { wasmPaths: string; numThreads: number } };
  };
  ort.env.wasm.wasmPaths = new URL('/ort/', location.href).href;
  ort.env.wasm.numThreads = 1;
  const files = urlFiles(new URL('/model/', location.href));
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await files.read('manifest.json'))));
  const loading = { ort, files, manifest };
  const layers = await loadSdfLayers(loading);
  const uv = await loadUvModel(loading);
  const sdf = await loadSdfModel(loading);
  const pictures: Record<string, string> = {};

  // The network's share of an exact bake.
  let deformationMs = 0;
  let points = 0;
  const timed = {
    ...layers,
    deform: async (...args: Parameters<typeof layers.deform>) => {
      const begin = performance.now();
      const result = await layers.deform(...args);
      deformationMs = performance.now() - begin;
      points = args[0].length / 3;
      return result;
    },
  };
  const baker = await createBaker({ manifest, layers: timed, uv }, {}, input.fixed);
  await baker.setIdentity(input.geometry);
  const expressionOf = (name: string) => createExpression(manifest, EXPRESSIONS[name]);

  const exactTimes: { ms: number; deformationMs: number; points: number }[] = [];
  const bakes: Record<string, PosedBake> = {};
  for (const name of ['smile', 'blink', 'jawOpen', 'smile', 'blink', 'jawOpen', 'closed']) {
    const begin = performance.now();
    bakes[name] = await baker.bake(expressionOf(name));
    if (name !== 'closed') exactTimes.push({ ms: performance.now() - begin, deformationMs, points });
  }
  const quickTimes: number[] = [];
  let quick = bakes.smile;
  // As an animation does: one is shown, one is written over.
  let shownBefore: PosedBake | undefined;
  let processorBegin = 0;
  for (let i = -3; i < QUICK_BAKES; i++) {
    if (i === 0) processorBegin = (await processorMs()).pages;
    const begin = performance.now();
    const next = await baker.quickBake(expressionOf(['smile', 'blink', 'smile'][(i + 3) % 3]), shownBefore);
    if (i >= 0) quickTimes.push(performance.now() - begin);
    if (i > -3) shownBefore = quick;
    quick = next;
  }
  const quickUpdateProcessorMs = ((await processorMs()).pages - processorBegin) / QUICK_BAKES;
  // Of one core, as of the network: both before and after, as the machine may be busy.
  const simdPeak = await measureSimdPeak();
  exactTimes.sort((a, b) => a.ms - b.ms);
  const exact = exactTimes[exactTimes.length >> 2];

  const [skin, ...parts] = input.meshes;
  const partAlbedos = Object.fromEntries(parts.map(({ name, image }) => [name, image]));
  const { lighting, fixed } = input;

  // Frame times.
  const frame = createCanvas(FRAME);
  const baked = createBakedRenderer({ gl: frame.gl, fixed, gloss: FACE_GLOSS });
  baked.setAlbedo(skin.image);
  baked.setPartAlbedos(partAlbedos);
  baked.setLighting(lighting);
  baked.setBake(bakes.closed);
  const mesh = createAvatarRenderer({ gl: frame.gl, gloss: FACE_GLOSS });
  mesh.setMeshes(input.meshes);
  mesh.setLighting(lighting);
  const threeCanvas = createCanvas(FRAME);
  const three = createThree(threeCanvas.canvas, threeCanvas.gl, input.simplified, lighting);
  const [ofBaked, ofThree, ofMesh] = await timeInTurn([
    { gl: frame.gl, draw: () => drawOn(frame.gl, () => baked.render(FRONT(FRAME))), frames: 1 },
    { gl: threeCanvas.gl, draw: three.draw, frames: THREE_FRAMES },
    { gl: frame.gl, draw: () => drawOn(frame.gl, () => mesh.render(FRONT(FRAME))), frames: 1 },
  ]);
  pictures.three = threeCanvas.canvas.toDataURL();
  clear(frame.gl, [0.3, 0.3, 0.3, 1]);
  baked.render(FRONT(FRAME));
  pictures.baked = frame.canvas.toDataURL();

  const counter = createBakedRenderer({ gl: frame.gl, fixed, countReads: true });
  counter.setBake(bakes.closed);
  clear(frame.gl, [0, 0, 0, 0]);
  counter.render(FRONT(FRAME));
  const counts = readPixels(frame.gl);
  let reads = 0;
  let covered = 0;
  for (let i = 0; i < counts.length; i += 4) {
    if (counts[i + 3] === 0) continue;
    reads += counts[i];
    covered++;
  }

  // Against the exact path.
  const small = createCanvas(VIEW_SIZE);
  const crop = createCanvas(CROP_SIZE);
  const renderers = new Map(
    [small, crop].map(({ gl }) => {
      const colour = createBakedRenderer({ gl, fixed, gloss: FACE_GLOSS });
      colour.setAlbedo(skin.image);
      colour.setPartAlbedos(partAlbedos);
      colour.setLighting(lighting);
      const masks = createBakedRenderer({ gl, fixed, countReads: true });
      const triangles = createAvatarRenderer({ gl, gloss: FACE_GLOSS });
      triangles.setMeshes(input.meshes);
      triangles.setLighting(lighting);
      return [gl, { colour, masks, triangles }] as const;
    }),
  );
  const exactly = (gl: WebGL2RenderingContext, camera: ReturnType<typeof view>, name: string, showParts: boolean) =>
    renderExact(
      gl,
      { sdf, uv },
      {
        ...camera,
        codes: { geometry: input.geometry, expression: expressionOf(name) },
        tileSize: CROP_SIZE,
        lighting,
        albedo: skin.image,
        partAlbedos,
        gloss: FACE_GLOSS,
        showParts,
      },
    );
  const shown = (pixels: Uint8Array, i: number) => pixels[i + 3] !== 0;
  const sums = {
    both: 0,
    either: 0,
    meshBoth: 0,
    meshEither: 0,
    quickBoth: 0,
    quickEither: 0,
    difference: 0,
    pixels: 0,
  };
  for (const [label, camera, name] of [
    ['front', FRONT(VIEW_SIZE), 'closed'],
    ['turned', TURNED(VIEW_SIZE), 'smile'],
  ] as const) {
    const { gl, canvas } = small;
    const { colour, triangles } = renderers.get(gl)!;
    const shot = (draw: () => void, key: string) => {
      clear(gl, [0, 0, 0, 0]);
      draw();
      pictures[key] = canvas.toDataURL();
      return readPixels(gl);
    };
    clear(gl, [0, 0, 0, 0]);
    await exactly(gl, camera, name, false);
    pictures[`${label}-exact`] = canvas.toDataURL();
    const reference = readPixels(gl);
    colour.setBake(bakes[name]);
    const picture = shot(() => colour.render(camera), `${label}-baked`);
    const silhouette = intersectionOverUnion(reference, picture, shown);
    sums.both += silhouette.both;
    sums.either += silhouette.either;
    for (let i = 0; i < picture.length; i += 4) {
      if (!shown(picture, i) || !shown(reference, i)) continue;
      for (let c = 0; c < 3; c++) sums.difference += Math.abs(picture[i + c] - reference[i + c]);
      sums.pixels += 3;
    }
    if (name === 'closed') {
      const flat = intersectionOverUnion(
        reference,
        shot(() => triangles.render(camera), `${label}-mesh`),
        shown,
      );
      sums.meshBoth += flat.both;
      sums.meshEither += flat.either;
    } else {
      colour.setBake(quick);
      const soon = intersectionOverUnion(
        reference,
        shot(() => colour.render(camera), `${label}-quick`),
        shown,
      );
      sums.quickBoth += soon.both;
      sums.quickEither += soon.either;
    }
  }

  const groups = { eyes: { both: 0, either: 0 }, mouth: { both: 0, either: 0 } };
  const partMasks: RenderBenchResult['partMasks'] = {};
  for (const name of ['closed', 'blink', 'jawOpen']) {
    for (const [label, camera] of [
      ['mouth', MOUTH],
      ['eyes', EYES],
    ] as const) {
      const { gl, canvas } = crop;
      const { masks, colour } = renderers.get(gl)!;
      clear(gl, [0, 0, 0, 0]);
      await exactly(gl, camera, name, true);
      const reference = readPixels(gl);
      masks.setBake(bakes[name]);
      clear(gl, [0, 0, 0, 0]);
      masks.render(camera);
      const picture = readPixels(gl);
      pictures[`masks-${label}-${name}`] = drawMasks(reference, picture);
      const sum = { both: 0, either: 0 };
      for (const part of label === 'eyes' ? [1, 2] : [3, 4, 5]) {
        const found = intersectionOverUnion(reference, picture, (p, i) => shown(p, i) && p[i + 1] === part);
        sum.both += found.both;
        sum.either += found.either;
      }
      partMasks[`${label}-${name}`] = sum;
      groups[label].both += sum.both;
      groups[label].either += sum.either;
      colour.setBake(bakes[name]);
      clear(gl, [0, 0, 0, 0]);
      colour.render(camera);
      pictures[`${label}-${name}`] = canvas.toDataURL();
    }
  }

  // Last, so that nothing else is measured beside a second device.
  const gpuFrames = await timeWebGpuFrames({
    fixed,
    bake: bakes.closed,
    meshes: input.meshes,
    lighting,
    camera: FRONT(FRAME),
    size: FRAME,
  });
  if (gpuFrames) pictures['baked-webgpu'] = gpuFrames.picture;

  return {
    bakedMs: spreadOf(ofBaked.times),
    meshMs: spreadOf(ofMesh.times),
    threeMs: spreadOf(ofThree.times),
    bakedOverThree: median(ofBaked.times.map((ms, round) => ms / ofThree.times[round])),
    bakedOverThreeProcessor: ofBaked.processorMs / ofThree.processorMs,
    webGpu: gpuFrames && { adapter: gpuFrames.adapter, bakedMs: gpuFrames.bakedMs, meshMs: gpuFrames.meshMs },
    threeTriangles: input.simplified.reduce((sum, { indices }) => sum + indices.length / 3, 0),
    fieldEvaluationsPerPixel: reads / covered,
    quickUpdateMs: spreadOf(quickTimes),
    quickUpdateProcessorMs,
    exactBakeMs: spreadOf(exactTimes.map(({ ms }) => ms)),
    exactBakePoints: exact.points,
    deformationMs: exact.deformationMs,
    simdPeakGflops: (2 * simdPeak) / 1e9,
    shareOfPeak: (exact.points * input.deformationFmas * 1000) / exact.deformationMs / simdPeak,
    iouBakedExact: sums.both / sums.either,
    iouMeshExact: sums.meshBoth / sums.meshEither,
    iouQuickExact: sums.quickBoth / sums.quickEither,
    iouEyes: groups.eyes.both / groups.eyes.either,
    iouMouth: groups.mouth.both / groups.mouth.either,
    partMasks,
    meanColourDiff: sums.difference / sums.pixels,
    pictures,
  };
}

Object.assign(globalThis, { benchRender });
