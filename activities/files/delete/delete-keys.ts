import { orderDeletions } from '../../../src/domain/deletion-order.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import type { Task } from '../../task.ts';

/** Keys of one call: between two of them a job may be cancelled, and ownership is proved again. */
const AT_ONCE = 500;

/** Deletes files, manifests first, and tells how far it is. */
export async function deleteKeys(
  storage: StorageDriver,
  task: Task,
  keys: readonly string[],
  proveOwner: () => Promise<void>,
): Promise<void> {
  let done = 0;
  for (const group of orderDeletions(keys)) {
    for (let at = 0; at < group.length; at += AT_ONCE) {
      task.signal.throwIfAborted();
      await proveOwner();
      const batch = group.slice(at, at + AT_ONCE);
      await storage.delete(batch);
      done += batch.length;
      task.progress({
        step: `deleting, ${done} of ${keys.length} files`,
        doneRatio: done / keys.length,
      });
    }
  }
}
