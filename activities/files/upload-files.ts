import { WorkError } from '../../src/domain/failure.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import type { Task } from '../task.ts';
import { forEachParallel } from './parallel.ts';
import type { Upload } from './publish-plan.ts';
import { createTransferProgress } from './transfer-progress.ts';

const PARALLEL_FILES = 4;

/** Uploads files, except those that an earlier attempt of the task has left there whole. */
export async function uploadFiles(
  storage: StorageDriver,
  task: Task,
  uploads: readonly Upload[],
): Promise<void> {
  const totalBytes = uploads.reduce((sum, one) => sum + one.sizeBytes, 0);
  const progressOf = createTransferProgress(task, 'publishing', totalBytes);
  await forEachParallel(uploads, PARALLEL_FILES, task.signal, async (one, signal) => {
    const onProgress = progressOf(one.name);
    const there = await storage.stat(one.key);
    // an older one of the same length may come from an earlier run of the packager
    if (there?.sizeBytes === one.sizeBytes && there.modifiedMs >= one.modifiedMs) {
      onProgress(one.sizeBytes);
      return;
    }
    await storage.upload(one.path, one.key, { signal, onProgress });
  });
}

/** Throws a WorkError `StorageFailed` unless every file is there with the length it should have. */
export async function verifyUploads(
  storage: StorageDriver,
  uploads: readonly Upload[],
): Promise<void> {
  for (const { key, name, sizeBytes } of uploads) {
    const there = await storage.stat(key);
    if (there?.sizeBytes === sizeBytes) continue;
    const found = there === undefined ? 'is gone' : `has ${there.sizeBytes} bytes`;
    throw new WorkError(
      'StorageFailed',
      `${name} ${found} in the output folder after it was written with ${sizeBytes} bytes`,
    );
  }
}
