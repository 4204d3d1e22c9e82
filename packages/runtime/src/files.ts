import { FaceError } from './errors.js';

/** Where a model's files come from: a web folder (`urlFiles`), a folder on disk (`directoryFiles` in `./node`) or anything of your own. */
export interface Files {
  /**
   * Reads one whole file.
   *
   * @param path - relative to the folder, with forward slashes.
   * @throws FaceError `FILE_READ` when there is no such file.
   */
  read(path: string, options?: { signal?: AbortSignal }): Promise<Uint8Array<ArrayBuffer>>;
}

/** What a manifest says about one file. */
export interface FileEntry {
  path: string;
  bytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
  /** How the file is packed; length and hash are the packed file's. */
  encoding?: 'gzip';
}

/**
 * Files below a web address, read by `fetch`.
 *
 * @param base - the folder's address, with or without the last slash.
 */
export function urlFiles(base: URL | string): Files {
  const folder = String(base).replace(/\/?$/, '/');
  return {
    async read(path, { signal } = {}) {
      const url = new URL(path, folder);
      const response = await fetch(url, { signal }).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new FaceError(
          'FILE_READ',
          `urlFiles: ${url} could not be fetched. Is it there, and allowed for this page?`,
          { cause },
        );
      });
      if (!response.ok) {
        throw new FaceError(
          'FILE_READ',
          `urlFiles: ${url} answered ${response.status} ${response.statusText}. Check the address.`,
        );
      }
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

/**
 * Reads a file that a manifest lists, checks that it is the one that is meant, and unpacks it.
 *
 * @throws FaceError `FILE_READ`, `FILE_SIZE` or `FILE_HASH`, with the file's path in the message.
 */
export async function readVerified(
  files: Files,
  entry: FileEntry,
  options: { signal?: AbortSignal } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  options.signal?.throwIfAborted();
  const bytes = await files.read(entry.path, options);
  if (bytes.length !== entry.bytes) {
    throw new FaceError(
      'FILE_SIZE',
      `${entry.path}: the manifest says ${entry.bytes} bytes, the file has ${bytes.length}. Download it again, together with its manifest.`,
    );
  }
  // Browsers have crypto.subtle on https and localhost only.
  if (!globalThis.crypto?.subtle) {
    throw new FaceError(
      'FILE_HASH',
      `${entry.path}: no way to compute SHA-256 here. Serve the page by https or from localhost.`,
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (sha256 !== entry.sha256) {
    throw new FaceError(
      'FILE_HASH',
      `${entry.path}: the manifest says SHA-256 ${entry.sha256}, the file has ${sha256}. Download it again, together with its manifest.`,
    );
  }
  const contents = entry.encoding === 'gzip' ? await gunzip(bytes, entry.path) : bytes;
  options.signal?.throwIfAborted();
  return contents;
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new FaceError('FILE_READ', `${path} cannot be unpacked: it is not what gzip writes. Download it again.`, {
      cause,
    });
  }
}

const sharedFiles = /* @__PURE__ */ new WeakMap<Files, Map<string, Promise<Uint8Array<ArrayBuffer>>>>();

/** As `readVerified`, but a file that several networks need is read once and kept as long as `files` is. */
export async function readShared(
  files: Files,
  entry: FileEntry,
  options: { signal?: AbortSignal } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const known = sharedFiles.get(files) ?? new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  sharedFiles.set(files, known);
  const another = known.get(entry.sha256);
  const reading = another ?? readVerified(files, entry, options);
  known.set(entry.sha256, reading);
  try {
    return await reading;
  } catch (error) {
    if (known.get(entry.sha256) === reading) known.delete(entry.sha256);
    options.signal?.throwIfAborted();
    // Another's read may have failed because it was called off.
    if (another) return readShared(files, entry, options);
    throw error;
  }
}
