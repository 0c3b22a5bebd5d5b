import { WorkError } from '../../../src/domain/failure.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import type { Uploads } from '../../../src/store/uploads.ts';
import type { Task } from '../../task.ts';
import { type Publication, type PublicationPort, whileOwner } from './publication.ts';
import { takeBackUploads } from './take-back.ts';
import type { UploadsPort } from './uploads.ts';

/**
 * Removes what a failed or cancelled publish wrote. Later attempts use the same names, and the
 * switch itself may have happened although this attempt failed (its answer was lost, or an earlier
 * attempt made it): so only the owner of the task removes, and only what is not on air. What it cannot
 * remove is kept on record for `cleanup` and the sweeper.
 */
export async function takeBackFailed(
  ports: { readonly publication: PublicationPort; readonly uploads: UploadsPort },
  task: Task,
  publication: Publication,
  storage: StorageDriver,
  record: Uploads,
): Promise<void> {
  const { jobId } = task;
  try {
    let kept: readonly string[] = [];
    await whileOwner(ports.publication, task, publication, async () => {
      const published = await ports.publication.filesAt(record.tenant, record.location);
      const uploads = { ...record, made: await ports.uploads.madeBy(task) };
      kept = await takeBackUploads(storage, { jobId, uploads, published: new Set(published) });
    });
    if (kept.length === 0) await ports.uploads.forget(task);
  } catch (error) {
    if (error instanceof WorkError && error.type === 'Superseded') {
      await ports.uploads.revive(task, record);
      return;
    }
    // the publish has failed already, and its reason is the one to tell
    task.log.warn({ err: error }, 'uploaded files of a failed publish were left for now');
  }
}
