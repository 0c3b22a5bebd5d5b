import { type FileHandle, open, stat } from 'node:fs/promises';
import { WorkError } from '../domain/failure.ts';
import { storageFailure } from './local-failure.ts';

/** Says of which local file an object was made: kept with the object, see {@link stampOf}. */
export const STAMP_KEY = 'tesource';

/** Length and time of a local file. Both clocks are the worker's: the storage's may differ. */
export const stampOf = (file: { readonly size: number; readonly mtimeMs: number }): string =>
  `${file.size}-${Math.floor(file.mtimeMs)}`;

/** {@link stampOf} of the file at a path. */
export const stampAt = async (path: string): Promise<string> => stampOf(await stat(path));

/** A local file that is being read to be written elsewhere. */
export interface SourceFile {
  readonly file: FileHandle;
  readonly sizeBytes: number;
  readonly stamp: string;
}

/** What was sent of a file and is not visible yet. */
export interface SentFile {
  readonly commit: () => Promise<void>;
  /** Removes it instead. Never throws. */
  readonly discard: () => Promise<void>;
}

/**
 * Sends an open local file and makes it visible; returns its length. Throws a WorkError `StorageFailed`
 * where the file was another one when all of it was read; what was sent is removed then.
 */
export async function sendFile(
  path: string,
  key: string,
  signal: AbortSignal,
  send: (source: SourceFile) => Promise<SentFile>,
): Promise<number> {
  const doing = `writing ${key}`;
  const file = await open(path, 'r').catch((error: unknown) => {
    throw storageFailure(error, doing);
  });
  try {
    const found = await file.stat();
    const stamp = stampOf(found);
    const sent = await send({ file, sizeBytes: found.size, stamp });
    try {
      if (stampOf(await file.stat()) !== stamp) {
        throw new WorkError('StorageFailed', `The file for ${key} changed while it was written`);
      }
      signal.throwIfAborted();
      await sent.commit();
    } catch (error) {
      await sent.discard();
      throw error;
    }
    return found.size;
  } catch (error) {
    // why it was aborted, not how the SDK says so
    signal.throwIfAborted();
    throw error;
  } finally {
    await file.close();
  }
}

/** Up to this, a file goes up in one call that is not broken off. */
const UNBROKEN_BYTES = 1024 * 1024;

const NEVER = new AbortController().signal;

/**
 * The signal for a call that makes a file visible: a call that is broken off when the service has all
 * of it already may be done all the same, after what it wrote was taken back.
 */
export const commitSignal = (sizeBytes: number, signal: AbortSignal): AbortSignal =>
  sizeBytes <= UNBROKEN_BYTES ? NEVER : signal;
