import type { Progress } from '../../src/index.js';
import type { Answer, Known, Request } from './worker.js';

/** What a run was like for the page. */
export interface Run {
  progress: Progress[];
  /** Arrays as lists, so that they reach Node; the albedo as base64. */
  found?: Record<
    'geometryCode' | 'expressionCode' | 'textureCode' | 'cameraFromWorld' | 'lighting' | 'landmarks',
    number[]
  > & {
    focalLengthPx: number;
    albedo: string;
  };
  failed?: { name: string; message: string };
  /** Frames that the page drew meanwhile. */
  frames: number;
  /** What the worker said once it had ended. */
  afterwards: number;
}

/** Counts the frames that are drawn while something runs. */
async function countFrames(work: () => Promise<void>): Promise<number> {
  let [frames, running] = [0, true];
  const frame = () => {
    frames++;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  await work();
  running = false;
  return frames;
}

let known: Known | undefined;
let found: Extract<Answer, { type: 'found' }>['found'] | undefined;
const run: Run = { progress: [], frames: 0, afterwards: 0 };

/** Takes another photo, with its landmarks. */
async function prepare(photo: Known): Promise<void> {
  known = photo;
}

/**
 * Inverts the photo in a worker. What the page itself does here is all that a page has to do.
 *
 * @param cancelAt - the stage in which the page has enough.
 */
async function invert(model: string, device: 'cpu' | 'webgpu', cancelAt?: string): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const send = (request: Request) => worker.postMessage(request);
  let ended = false;
  run.frames = await countFrames(
    () =>
      new Promise((resolve, reject) => {
        worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
        worker.onmessage = ({ data }: MessageEvent<Answer>) => {
          if (ended) run.afterwards++;
          else if (data.type === 'progress') {
            run.progress.push(data.progress);
            if (data.progress.stage === cancelAt) send({ type: 'cancel' });
          } else {
            if (data.type === 'found') found = data.found;
            else run.failed = { name: data.name, message: data.message };
            ended = true;
            resolve();
          }
        };
        send({ type: 'start', model, device, known });
      }),
  );
  // What a worker that goes on would say by then.
  await new Promise((resolve) => setTimeout(resolve, 100));
  worker.terminate();
}

/** What came of it, in a form that reaches Node, which takes its time. */
async function take(): Promise<Run> {
  if (found) {
    const { albedo, focalLengthPx, ...arrays } = found;
    let text = '';
    for (let i = 0; i < albedo.length; i += 8192) text += String.fromCharCode(...albedo.subarray(i, i + 8192));
    const lists = Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, Array.from(values)]));
    run.found = { ...lists, focalLengthPx, albedo: btoa(text) } as Run['found'];
  }
  return run;
}

/** The control: a page that works for itself, some 200 ms of a processor's time. */
async function work(): Promise<number> {
  let sum = 0;
  for (let i = 0; i < 2e8; i++) sum += Math.sqrt(i);
  return sum;
}

export type Page = { prepare: typeof prepare; invert: typeof invert; take: typeof take; work: typeof work };
Object.assign(window, { prepare, invert, take, work } satisfies Page);
document.body.dataset.state = 'ready';
