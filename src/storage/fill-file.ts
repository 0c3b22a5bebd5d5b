import { type FileHandle, open, rm } from 'node:fs/promises';
import { WorkError } from '../domain/failure.ts';
import type { DownloadOptions } from './driver.ts';
import { assertRoom } from './local-copy.ts';
import { codeOf, storageFailure } from './local-failure.ts';
import { NO_JOURNAL, openJournaled, type RangeJournal, removeJournaled } from './range-journal.ts';
import { RemoteError } from './remote-failure.ts';

/** What a local file is filled from. */
export interface Filling {
  readonly key: string;
  readonly sizeBytes: number;
  /**
   * Another one whenever the source’s bytes are; undefined where the storage cannot tell, and the
   * download begins anew each time.
   */
  readonly identity: string | undefined;
}

/** What `fill` is given. */
export interface FileToFill {
  readonly file: FileHandle;
  readonly journal: RangeJournal;
  readonly signal: AbortSignal;
}

const NEVER = new AbortController().signal;

/**
 * Fills a local file that is to have just `sizeBytes`. Where that fails the file goes; but a
 * resumable one stays, with the journal of what has arrived, when the wire, the worker or the service
 * failed, and not the bytes.
 */
export async function fillFile<Result>(
  path: string,
  source: Filling,
  options: DownloadOptions,
  fill: (target: FileToFill) => Promise<Result>,
): Promise<Result> {
  const doing = `fetching ${source.key}`;
  const signal = options.signal ?? NEVER;
  const isResumable = options.isResumable === true;
  try {
    const { file, journal } = await openTarget(path, source, isResumable, signal);
    try {
      if (isResumable) options.onResumed?.(journal.keptBytes);
      await assertRoom(path, source.sizeBytes - journal.keptBytes, doing);
      const result = await fill({ file, journal, signal });
      await assertLength(file, source);
      return result;
    } finally {
      await journal.close();
      await file.close();
    }
  } catch (error) {
    if (!isResumable) await rm(path, { force: true });
    else if (isOfTheBytes(error)) await removeJournaled(path);
    options.signal?.throwIfAborted();
    throw storageFailure(error, doing);
  }
}

async function openTarget(
  path: string,
  { identity, sizeBytes }: Filling,
  isResumable: boolean,
  signal: AbortSignal,
): Promise<{ readonly file: FileHandle; readonly journal: RangeJournal }> {
  if (isResumable && identity !== undefined) {
    return openJournaled(path, { identity, sizeBytes }, signal);
  }
  // not emptied but made anew: an earlier attempt may still be writing to the old one
  if (isResumable) await removeJournaled(path);
  return { file: await open(path, 'w+'), journal: NO_JOURNAL };
}

async function assertLength(file: FileHandle, { key, sizeBytes }: Filling): Promise<void> {
  const { size } = await file.stat();
  if (size === sizeBytes) return;
  throw new WorkError('StorageFailed', `${key} arrived with ${size} bytes and has ${sizeBytes}`);
}

/** Whether what has arrived is of no use: it was judged, or there is no room to go on. */
const isOfTheBytes = (error: unknown): boolean =>
  (error instanceof WorkError && !(error instanceof RemoteError)) ||
  ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
