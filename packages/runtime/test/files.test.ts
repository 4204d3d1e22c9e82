import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readVerified, urlFiles } from '../src/index.js';
import { directoryFiles } from '../src/node.js';
import { TOY, toyBytes, toyManifest } from './toy.js';

const server = createServer((request, response) => {
  if (request.url === '/models/toy.onnx') response.end(toyBytes('toy.onnx'));
  else if (request.url !== '/models/slow') response.writeHead(404).end('<html>no</html>');
});
let address: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it.each([
  ['a path', () => directoryFiles(fileURLToPath(TOY))],
  ['a file URL', () => directoryFiles(TOY)],
  ['the text of a file URL', () => directoryFiles(TOY.href)],
  ['a web folder', () => urlFiles(address)],
  ['a web folder with a slash', () => urlFiles(new URL(`${address}/`))],
])('reads from %s', async (_, files) => {
  const bytes = await readVerified(files(), toyManifest().files.toy);
  expect(bytes).toEqual(toyBytes('toy.onnx'));
});

it('says which file is missing', async () => {
  await expect(directoryFiles(TOY).read('gone.onnx')).rejects.toMatchObject({
    code: 'FILE_READ',
    message: expect.stringContaining('gone.onnx'),
  });
  await expect(urlFiles(address).read('gone.onnx')).rejects.toMatchObject({
    code: 'FILE_READ',
    message: expect.stringContaining('404'),
  });
});

it('stops when told to', async () => {
  const aborted = expect.objectContaining({ name: 'AbortError' });
  await expect(directoryFiles(TOY).read('toy.onnx', { signal: AbortSignal.abort() })).rejects.toThrow(aborted);
  const controller = new AbortController();
  const reading = urlFiles(address).read('slow', { signal: controller.signal });
  controller.abort();
  await expect(reading).rejects.toThrow(aborted);
});

it('gives up on a host that is not there', async () => {
  await expect(urlFiles('http://127.0.0.1:9').read('toy.onnx')).rejects.toMatchObject({ code: 'FILE_READ' });
});

it('unpacks what is packed, and says so when it is not', async () => {
  const { weights, toy } = toyManifest().files;
  expect(weights.encoding).toBe('gzip');
  const unpacked = await readVerified(directoryFiles(TOY), weights);
  expect(unpacked).toEqual(new Uint8Array(gunzipSync(toyBytes(weights.path))));
  await expect(readVerified(directoryFiles(TOY), { ...toy, encoding: 'gzip' })).rejects.toMatchObject({
    code: 'FILE_READ',
    message: expect.stringContaining('toy.onnx cannot be unpacked'),
  });
});
