import { existsSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type CliErrorCode, FaceError } from '../errors.js';

/** Files on their way into a folder: they are put aside until all are there. */
export interface OutputFolder {
  /** The folder that was asked for. */
  readonly path: string;
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Moves everything in place, over files of the same names. */
  commit(): void;
  /** Removes what was put aside, and folders that were made for it. Does nothing after `commit`. */
  discard(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Prepares to write into a folder, and finds out now whether that is possible. What is written waits in a temporary folder: inside the
 * folder when that exists (its parent may belong to somebody else), beside it when not. A signal that ends the process removes it.
 *
 * @param names - of the files that will be written.
 * @throws FaceError `OUTPUT` when the folder cannot be written; so do `write` and `commit`.
 */
export function openOutputFolder(path: string, names: readonly string[]): OutputFolder {
  const folder = resolve(path);
  const exists = existsSync(folder);
  const home = exists ? folder : dirname(folder);
  if (exists && !statSync(folder).isDirectory()) throw cannotWrite(path, 'is a file. Pass a folder');
  for (const name of names) {
    const file = join(folder, name);
    if (existsSync(file) && statSync(file).isDirectory()) throw cannotWrite(file, 'is a folder. Remove it');
  }

  /** The first of the folders above that had to be made. */
  let made: string | undefined;
  let staging: string | undefined;
  let isOpen = true;
  const close = () => {
    isOpen = false;
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
  };
  const discard = () => {
    if (!isOpen) return;
    close();
    if (staging) rmSync(staging, { recursive: true, force: true });
    if (made) removeEmpty(home, made);
  };
  // The signal's own doing, which this listener has kept off, comes after the tidying up.
  const onSignal = (signal: NodeJS.Signals) => {
    discard();
    process.kill(process.pid, signal);
  };
  // First the listeners, then folders, with no wait in between: so there is no moment at which a signal would leave something behind.
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    made = mkdirSync(home, { recursive: true });
    staging = mkdtempSync(join(home, `.${basename(folder)}-`));
  } catch (cause) {
    discard();
    throw asOutputError(path, cause);
  }

  const aside = staging;
  const waiting = new Set<string>();
  return {
    path,
    async write(name, content) {
      await writeFile(join(aside, name), content).catch((cause) => {
        throw asOutputError(path, cause);
      });
      waiting.add(name);
    },
    commit() {
      try {
        mkdirSync(folder, { recursive: true });
        for (const name of waiting) renameSync(join(aside, name), join(folder, name));
        rmdirSync(aside);
      } catch (cause) {
        throw asOutputError(path, cause);
      }
      close();
    },
    discard,
  };
}

/** Removes `last` and the folders above it up to `first`, as far as they are empty. */
function removeEmpty(last: string, first: string): void {
  try {
    for (let folder = last; ; folder = dirname(folder)) {
      rmdirSync(folder);
      if (folder === first) return;
    }
  } catch {
    // Somebody else has put something there.
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'may not be written. Check its permissions',
  EPERM: 'may not be written. Check its permissions',
  EROFS: 'is on a read-only disk. Pass another place',
  ENOTDIR: 'lies below something that is no folder. Check the path',
  EEXIST: 'lies below something that is no folder. Check the path',
  ENOENT: 'cannot be made there. Check the path',
  ENAMETOOLONG: 'has too long a name. Pass a shorter one',
  ENOSPC: 'has no space left on its disk. Free some',
};

function cannotWrite(path: string, reason: string, cause?: unknown): FaceError {
  return new FaceError<CliErrorCode>('OUTPUT', `${path} ${reason}.`, { cause });
}

function asOutputError(path: string, cause: unknown): FaceError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return cannotWrite(path, REASONS[code] ?? `cannot be written (${code})`, cause);
}
