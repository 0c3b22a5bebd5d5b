import type { DeletionPort } from '../activities/files/delete/deletion.ts';
import { assetDeleteFiles } from '../src/contract/deletes.ts';
import { taskId } from '../src/domain/task-id.ts';
import type { FindPlace } from '../src/storage/find-place.ts';
import { tenantsWithRootBelow } from '../src/storage/roots-below.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import { addJobFiles } from '../src/store/deletions.ts';
import { getJob } from '../src/store/jobs.ts';
import { insertLogs } from '../src/store/logs.ts';
import { forgetFiles, forgetFolder } from '../src/store/publications.ts';
import { listTenants } from '../src/store/tenants.ts';
import { requireOwner, whileHeld } from './owned-task.ts';

/** The record of deletions in Postgres, fenced by the ownership of the task. */
export function createDeletion(deps: {
  readonly db: Db;
  readonly findPlace: FindPlace;
}): DeletionPort {
  return {
    rootsBelow: async (location) =>
      tenantsWithRootBelow(await listTenants(deps.db), deps.findPlace, location),

    filesOf: async (jobId) => {
      const job = await getJob(deps.db, jobId);
      if (job === undefined) throw new Error(`Job ${jobId} is gone while its task runs`);
      return assetDeleteFiles(job.parameters);
    },

    record: (task, result, listing) =>
      inTransaction(deps.db, async (transaction) => {
        await requireOwner(transaction, task);
        const rows = listing.map(({ message, isVisible }) => ({
          jobId: task.jobId,
          taskId: taskId(task.jobId, task.taskNumber),
          severity: 'INFO' as const,
          progname: 'worker' as const,
          message,
          isVisible,
        }));
        await insertLogs(transaction, rows);
        return addJobFiles(transaction, task.jobId, result);
      }),

    carryOut: (task, tenant, forgotten, work) =>
      inTransaction(deps.db, async (transaction) => {
        await requireOwner(transaction, task);
        await whileHeld(transaction, task, work);
        if (forgotten.kind === 'folder') {
          await forgetFolder(transaction, tenant, forgotten.location);
          return;
        }
        for (const [location, keys] of forgotten.byLocation) {
          await forgetFiles(transaction, tenant, location, keys);
        }
      }),
  };
}
