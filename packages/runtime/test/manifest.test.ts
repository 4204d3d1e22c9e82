import { describe, expect, it } from 'vitest';
import { type Manifest, parseManifest, parseNetworkManifest } from '../src/index.js';
import { toyJson, toyManifest } from './toy.js';

describe('parseManifest', () => {
  it('takes the toy model', () => {
    const manifest = toyManifest();
    expect(manifest.codes).toEqual({ geometry: 2, expression: 3, texture: 4 });
    expect(manifest.networks.toy.inputs.points.dims).toEqual(['N', 3]);
  });

  it.each<[string, (json: Manifest) => unknown]>([
    ['id', (json) => delete (json as Partial<Manifest>).id],
    ['units', (json) => ((json.units as string) = 'centimetre')],
    ['codes.geometry', (json) => (json.codes.geometry = 2.5)],
    ['arkitNames', (json) => json.arkitNames.pop()],
    ['expressionNames', (json) => json.expressionNames.pop()],
    ['bounds.min', (json) => json.bounds.min.pop()],
    ['bounds.max.1', (json) => ((json.bounds.max as unknown[])[1] = 'tall')],
    ['files.toy.sha256', (json) => (json.files.toy.sha256 = 'abc')],
    ['files.toy.bytes', (json) => (json.files.toy.bytes = -1)],
    ['files.toy.path', (json) => (json.files.toy.path = '../../etc/passwd')],
    ['files.toy.path', (json) => (json.files.toy.path = '/etc/passwd')],
    ['files.toy.path', (json) => (json.files.toy.path = 'https://example.org/toy.onnx')],
    ['files.toy.path', (json) => (json.files.toy.path = '..\\toy.onnx')],
    ['networks.toy.file', (json) => (json.networks.toy.file = 'gone')],
    ['networks.toy.file', (json) => (json.networks.toy.file = 'constructor')],
    ['networks.toy.inputs.points.dims.1', (json) => (json.networks.toy.inputs.points.dims[1] = -3)],
    [
      'networks.toy.outputs.distance.dtype',
      (json) => ((json.networks.toy.outputs.distance.dtype as string) = 'float16'),
    ],
  ])('names %s when it is wrong', (field, spoil) => {
    const json = toyJson();
    spoil(json);
    expect(() => parseManifest(json)).toThrow(
      expect.objectContaining({ code: 'MANIFEST', message: expect.stringContaining(`parseManifest: ${field} `) }),
    );
  });

  it.each([null, undefined, 7, 'manifest', []])('refuses %j', (json) => {
    expect(() => parseManifest(json)).toThrow(expect.objectContaining({ code: 'MANIFEST' }));
  });
});

it('parseNetworkManifest asks for files and networks only, and keeps the rest', () => {
  const { id, version, license, files, networks } = toyJson();
  expect(parseNetworkManifest({ id, version, license, files, networks, note: 'kept' })).toEqual({
    id,
    version,
    license,
    files,
    networks,
    note: 'kept',
  });
  expect(() => parseNetworkManifest({ id, version, license, files })).toThrow(
    expect.objectContaining({ code: 'MANIFEST' }),
  );
});
