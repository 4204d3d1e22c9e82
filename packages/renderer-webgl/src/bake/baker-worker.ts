import { FaceError, isFaceError } from '@implicit-faces/runtime';
import type { RendererErrorCode } from '../errors.js';
import type { Baker } from './baker.js';

/** The part of a worker, its scope or a port that is used. */
export interface MessageEnd {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

type Method = 'fixed' | 'setIdentity' | 'bake' | 'quickBake';

interface Request {
  bakerRequest: number;
  method: Method;
  code?: Float32Array;
}

interface Reply {
  bakerReply: number;
  result?: unknown;
  error?: { code?: string; message: string };
}

/** A baker in a worker. What it gives is copied to this side. */
export interface BakerClient extends Baker {
  /** Stops listening. What is still being baked is rejected with `DISPOSED`; the worker itself is the caller's to end. */
  disconnect(): void;
}

/**
 * Lets the other side of a worker ask a baker, one request after the other.
 *
 * @param scope - the worker's `self`.
 * @param creating - the baker, or the promise of it: requests wait for it.
 * @example serveBaker(self, createBaker({ manifest, layers, uv })); // worker.ts, which imports its own ONNX Runtime
 */
export function serveBaker(scope: MessageEnd, creating: Promise<Baker> | Baker): void {
  const baker = Promise.resolve(creating);
  // A failure is told to whoever asks.
  baker.catch(() => undefined);
  let queue: Promise<unknown> = Promise.resolve();
  scope.addEventListener('message', ({ data }) => {
    if (!data || typeof data !== 'object' || !('bakerRequest' in data)) return;
    const { bakerRequest: id, method, code } = data as Request;
    queue = queue.then(async () => {
      const reply: Reply = { bakerReply: id };
      try {
        const b = await baker;
        reply.result = method === 'fixed' ? b.fixed : await b[method](code!);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        reply.error = { message, code: isFaceError(error) ? error.code : undefined };
      }
      scope.postMessage(reply);
    });
  });
}

/**
 * Connects to a worker that serves a baker. An abort rejects at once; the worker finishes what it is at.
 *
 * @throws FaceError with the code and message of what failed in the worker.
 * @example
 * const baker = await connectBaker(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
 * renderer.setBake(await baker.bake(expression)); // the page goes on meanwhile
 */
export async function connectBaker(worker: MessageEnd): Promise<BakerClient> {
  let next = 0;
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (reason: unknown) => void }>();
  const onMessage = ({ data }: { data: unknown }) => {
    if (!data || typeof data !== 'object' || !('bakerReply' in data)) return;
    const { bakerReply: id, result, error } = data as Reply;
    const request = waiting.get(id);
    waiting.delete(id);
    if (error) request?.reject(error.code ? new FaceError(error.code, error.message) : new Error(error.message));
    else request?.resolve(result as never);
  };
  worker.addEventListener('message', onMessage);
  (worker as { start?: () => void }).start?.();

  function ask<T>(method: Method, code?: Float32Array, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      signal?.throwIfAborted();
      const id = next++;
      waiting.set(id, { resolve, reject });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      worker.postMessage({ bakerRequest: id, method, code } satisfies Request);
    });
  }

  const fixed = await ask<Baker['fixed']>('fixed');
  return {
    fixed,
    setIdentity: (geometry) => ask('setIdentity', geometry),
    bake: (expression, { signal } = {}) => ask('bake', expression, signal),
    quickBake: (expression) => ask('quickBake', expression),
    disconnect() {
      worker.removeEventListener('message', onMessage);
      for (const { reject } of waiting.values()) {
        reject(
          new FaceError<RendererErrorCode>('DISPOSED', 'connectBaker: this baker was disconnected. Connect again.'),
        );
      }
      waiting.clear();
    },
  };
}
