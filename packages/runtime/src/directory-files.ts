import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaceError } from './errors.js';
import type { Files } from './files.js';

/**
 * Files below a folder on disk.
 *
 * @param directory - a path, or a `file:` URL such as `new URL('./weights/', import.meta.url)`.
 */
export function directoryFiles(directory: string | URL): Files {
  const folder = directory instanceof URL || directory.startsWith('file:') ? fileURLToPath(directory) : directory;
  return {
    async read(path, { signal } = {}) {
      const file = join(folder, path);
      try {
        // A copy, because Node may hand out a part of a larger buffer.
        return new Uint8Array(await readFile(file, { signal }));
      } catch (cause) {
        signal?.throwIfAborted();
        throw new FaceError('FILE_READ', `directoryFiles: ${file} could not be read. Is it there?`, { cause });
      }
    },
  };
}
