import { buildDeletionListing } from '../../../src/domain/deletion-listing.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { fileNameOf } from '../../../src/storage/paths.ts';
import type { Task } from '../../task.ts';
import { deleteKeys } from './delete-keys.ts';

/**
 * Deletes what is directly in a folder, manifests first, but for what is at one of the locations that
 * `listNeeded` names. Folders in it are other assets' and stay. `proveOwner` throws where the task is another
 * attempt's by now. The new asset is on air: what cannot be deleted is told, and is no reason to fail.
 */
export async function emptyFolder(
  storage: StorageDriver,
  task: Task,
  folder: string,
  listNeeded: () => Promise<readonly string[]>,
  proveOwner: () => Promise<void>,
): Promise<void> {
  try {
    const needed = new Set(await listNeeded());
    const goners = (await storage.list(folder)).filter(
      (file) => !needed.has(locationOf(storage, file.key)),
    );
    if (goners.length === 0) return;
    for (const row of buildDeletionListing(storage.fullPath(folder), goners, fileNameOf)) {
      await task.note('INFO', `empty_target: ${row.message}`);
    }
    const keys = goners.map((file) => file.key);
    await deleteKeys(storage, task, keys, proveOwner);
  } catch (error) {
    if (error instanceof WorkError && error.type === 'Superseded') throw error;
    task.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    await task.note('WARN', `The output folder could not be emptied: ${why}`);
  }
}
