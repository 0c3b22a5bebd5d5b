import { WorkError } from '../../../src/domain/failure.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import type { Task } from '../../task.ts';
import { forEachParallel } from '../parallel.ts';
import type { Upload } from './publish-plan.ts';
import { createTransferProgress } from '../transfer-progress.ts';

/** Files that go up at once. */
export const PARALLEL_FILES = 4;

/**
 * Uploads files; with `isRetried` not those that an earlier attempt of the task has left there whole.
 * `assertOwner` is asked before each file: what it throws ends the others too.
 */
export async function uploadFiles(
  storage: StorageDriver,
  task: Task,
  { uploads, isRetried }: { readonly uploads: readonly Upload[]; readonly isRetried: boolean },
  assertOwner: () => Promise<void>,
): Promise<void> {
  const totalBytes = uploads.reduce((sum, one) => sum + one.sizeBytes, 0);
  const progressOf = createTransferProgress(task, 'publishing', totalBytes);
  await forEachParallel(uploads, PARALLEL_FILES, task.signal, async (one, signal) => {
    await assertOwner();
    const onProgress = progressOf(one.name);
    if (isRetried && (await storage.isUploaded(one.path, one.key))) {
      onProgress(one.sizeBytes);
      return;
    }
    await storage.upload(one.path, one.key, {
      signal,
      onProgress,
      isFixedName: one.key !== one.finalKey,
    });
  });
}

/** Whether an earlier attempt has left any of the files: asking for each of them is 2,000 questions for 2,000 files. */
export async function hasUploads(
  storage: StorageDriver,
  folder: string,
  uploads: readonly Upload[],
): Promise<boolean> {
  const keys = new Set(uploads.map((one) => one.key));
  return (await storage.list(folder)).some((file) => keys.has(file.key));
}

/**
 * Throws a WorkError `StorageFailed` unless every file is there with the length it should have: by a
 * listing of the folder, and one by one for those that it hides.
 */
export async function verifyUploads(
  storage: StorageDriver,
  folder: string,
  uploads: readonly Upload[],
): Promise<void> {
  const listed = new Map((await storage.list(folder)).map((file) => [file.key, file]));
  for (const { key, finalKey, name, sizeBytes } of uploads) {
    const there = key === finalKey ? listed.get(key) : await storage.stat(key);
    if (there?.sizeBytes === sizeBytes) continue;
    const found = there === undefined ? 'is gone' : `has ${there.sizeBytes} bytes`;
    throw new WorkError(
      'StorageFailed',
      `${name} ${found} in the output folder after it was written with ${sizeBytes} bytes`,
    );
  }
}
