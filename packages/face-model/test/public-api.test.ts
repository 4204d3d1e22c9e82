import { readFile, stat } from 'node:fs/promises';
import { parseManifest } from '@implicit-faces/runtime';
import { expect, it } from 'vitest';
import * as main from '../src/index.js';

it('exports these names and no others', () => {
  expect(Object.keys(main).sort()).toMatchInlineSnapshot(`
    [
      "manifestUrl",
      "modelUrl",
    ]
  `);
});

it('points at a manifest whose files are there, and small enough to ship', async () => {
  const manifest = parseManifest(JSON.parse(await readFile(main.manifestUrl, 'utf8')));
  let total = 0;
  for (const { path, bytes } of Object.values(manifest.files)) {
    expect((await stat(new URL(path, main.modelUrl))).size, path).toBe(bytes);
    total += bytes;
  }
  expect(total).toBeLessThanOrEqual(26_214_400);
});
