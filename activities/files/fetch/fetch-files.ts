import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../../src/domain/failure.ts';
import { isSameFile, type StorageDriver, type StoredFile } from '../../../src/storage/driver.ts';
import { journalPath } from '../../../src/storage/range-journal.ts';
import type { Task } from '../../task.ts';
import { formatBytes } from '../../format-bytes.ts';
import { forEachParallel } from '../parallel.ts';
import { createTransferProgress } from '../transfer-progress.ts';

const PARALLEL_FILES = 4;

/** A file to fetch, as its storage listed it, and the name it gets. */
export interface WantedFile {
  readonly listed: StoredFile;
  /** Its client's name, for people. */
  readonly name: string;
  readonly stagedName: string;
}

/**
 * Fetches files into a folder of a `resumeStage`, four at once, and goes on from what earlier attempts
 * left there: whole files, and the finished ranges of others. What else lies there is removed. Returns
 * their bytes. Throws a WorkError `StorageFailed` where a file is another one than was listed; all that
 * is on disk is then of no use, of that file alone.
 */
export async function fetchFiles(
  storage: StorageDriver,
  task: Task,
  folder: string,
  files: readonly WantedFile[],
): Promise<number> {
  const totalBytes = files.reduce((sum, file) => sum + file.listed.sizeBytes, 0);
  const onResumed = await expectLeftovers(task, folder, files, totalBytes);
  const progressOf = createTransferProgress(task, 'fetching', totalBytes);
  await forEachParallel(files, PARALLEL_FILES, task.signal, async (file, signal) => {
    const { listed, name, stagedName } = file;
    const onProgress = progressOf(name);
    const fetched = await storage.download(listed.key, join(folder, stagedName), {
      signal,
      isResumable: true,
      onProgress,
      onResumed: (keptBytes) => {
        onProgress(keptBytes);
        onResumed(stagedName, keptBytes);
      },
    });
    if (!isSameFile(fetched, listed)) {
      throw new WorkError(
        'StorageFailed',
        `${storage.fullPath(listed.key)} changed after it was listed, from ${listed.sizeBytes} to ${fetched.sizeBytes} bytes; submit a job when its upload has ended`,
      );
    }
  });
  return totalBytes;
}

/**
 * Removes what is no part of a wanted file. Returns what is told how much of each file was on disk, and
 * says in the job's log how much of all was once every file that had begun is judged.
 */
async function expectLeftovers(
  task: Task,
  folder: string,
  files: readonly WantedFile[],
  totalBytes: number,
): Promise<(stagedName: string, keptBytes: number) => void> {
  const names = new Set(await readdir(folder));
  const known = new Set(files.flatMap((one) => [one.stagedName, journalPath(one.stagedName)]));
  for (const name of names) {
    if (!known.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const begun = new Set(
    files.map((one) => one.stagedName).filter((name) => names.has(journalPath(name))),
  );
  let sumBytes = 0;
  return (stagedName, keptBytes) => {
    sumBytes += keptBytes;
    if (!begun.delete(stagedName) || begun.size > 0 || sumBytes === 0) return;
    const message = `Resumed: ${formatBytes(sumBytes)} of ${formatBytes(totalBytes)} were on disk`;
    task.note('INFO', message).catch((error: unknown) => {
      task.log.warn({ err: error }, 'a resumed fetch was not told');
    });
  };
}
