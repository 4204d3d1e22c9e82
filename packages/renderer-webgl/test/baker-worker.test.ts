import { FaceError } from '@implicit-faces/runtime';
import { expect, it } from 'vitest';
import type { Baker } from '../src/bake/baker.js';
import { connectBaker, type MessageEnd, serveBaker } from '../src/bake/baker-worker.js';
import { createToyBake } from './support/toy-bake.js';

/** Plain data compared whole, without the time that `toEqual` takes for millions of numbers. */
function isSame(a: unknown, b: unknown): boolean {
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const bytes = (of: ArrayBufferView) => Buffer.from(of.buffer, of.byteOffset, of.byteLength);
    return a.constructor === b.constructor && bytes(a).equals(bytes(b));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([key, value]) => isSame(value, (b as never)[key]));
}

async function serveToy() {
  const { fixed, bake } = await createToyBake();
  const seen: string[] = [];
  const baker: Baker = {
    fixed,
    async setIdentity(geometry) {
      if (geometry.length !== 3) throw new FaceError('CODES', 'setIdentity: three numbers, please.');
      seen.push(`identity ${geometry}`);
    },
    async bake(expression) {
      seen.push(`bake ${expression}`);
      return bake;
    },
    async quickBake(expression) {
      seen.push(`quick ${expression}`);
      return { ...bake, exact: false };
    },
  };
  const { port1, port2 } = new MessageChannel();
  serveBaker(port1 as unknown as MessageEnd, baker);
  port1.start();
  const client = await connectBaker(port2 as unknown as MessageEnd);
  const close = () => {
    port1.close();
    port2.close();
  };
  return { client, close, seen, fixed, bake };
}

it('brings a whole bake through a message port, requests in turn', async () => {
  const { client, close, seen, fixed, bake } = await serveToy();
  expect(isSame(client.fixed, fixed)).toBe(true);
  const asked = [
    client.setIdentity(Float32Array.of(1, 2, 3)),
    client.quickBake(Float32Array.of(0.5)),
    client.bake(Float32Array.of(1)),
  ] as const;
  const [, quick, exact] = await Promise.all(asked);
  expect(seen).toEqual(['identity 1,2,3', 'quick 0.5', 'bake 1']);
  expect(quick.exact).toBe(false);
  expect(isSame(exact, bake)).toBe(true);
  close();
});

it('hands on errors with their code, and goes on', async () => {
  const { client, close } = await serveToy();
  const error = await client.setIdentity(Float32Array.of(1)).catch((e: unknown) => e);
  expect(error).toEqual(expect.objectContaining({ code: 'CODES' }));
  await client.setIdentity(Float32Array.of(1, 2, 3));
  close();
});

it('rejects on an abort and when it is disconnected', async () => {
  const { client, close } = await serveToy();
  const controller = new AbortController();
  const aborted = client.bake(Float32Array.of(1), { signal: controller.signal }).catch((e: unknown) => e);
  controller.abort(new Error('enough'));
  expect(((await aborted) as Error).message).toBe('enough');
  const cut = client.quickBake(Float32Array.of(1)).catch((e: unknown) => e);
  client.disconnect();
  expect(await cut).toEqual(expect.objectContaining({ code: 'DISPOSED' }));
  close();
});
