import type { PublicationPort } from '../activities/files/publication.ts';
import type { Task } from '../activities/task.ts';
import { WorkError } from '../src/domain/failure.ts';
import { type Db, inTransaction, pingDb } from '../src/store/db.ts';
import { lockPlace } from '../src/store/place-lock.ts';
import { listPublishedFiles, replacePublication, setJobResult } from '../src/store/publications.ts';
import { lockOwnedTask } from '../src/store/tasks.ts';
import { getTenant } from '../src/store/tenants.ts';
import { deleteUploads, hastenUploads } from '../src/store/uploads.ts';

const superseded = (): WorkError =>
  new WorkError('Superseded', 'Another attempt of this task took over; nothing was published');

/**
 * The switch to a new publication, fenced: the task's row is locked and must still belong to this
 * attempt while the manifests are written, so a worker that was frozen and woke up writes nothing.
 */
export function createPublication(deps: { readonly db: Db }): PublicationPort {
  return {
    filesAt: (tenant, location) => listPublishedFiles(deps.db, tenant, location),

    switchOver: (task, publication, writeManifests) =>
      inTransaction(deps.db, async (transaction) => {
        const isOwner = await lockOwnedTask(transaction, task);
        if (!isOwner) throw superseded();
        const tenant = await getTenant(transaction, publication.tenant);
        if (tenant === undefined) {
          throw new WorkError(
            'InvalidInput',
            `Tenant ${publication.tenant} does not exist any more`,
          );
        }
        const { location, asset, files } = publication;
        const place = { tenantId: tenant.id, location, asset };
        await lockPlace(transaction, tenant.id, location);
        await whileHeld(transaction, task, writeManifests);
        await setJobResult(transaction, task.jobId, publication.result);
        await deleteUploads(transaction, task);
        await hastenUploads(transaction, place, task);
        return replacePublication(transaction, place, task.jobId, files);
      }),
  };
}

/** A transaction that says nothing for a minute is ended by Postgres; copying a long film takes longer. */
const SIGN_OF_LIFE_MS = 10_000;

/** Runs `work` and keeps the transaction that holds the task's row alive meanwhile. */
async function whileHeld(
  transaction: Db,
  task: Task,
  work: (proveOwner: () => Promise<void>) => Promise<void>,
): Promise<void> {
  let lost: Error | undefined;
  const timer = setInterval(() => {
    pingDb(transaction).catch((error: unknown) => {
      lost ??= error instanceof Error ? error : new Error(String(error));
    });
  }, SIGN_OF_LIFE_MS);
  try {
    await work(async () => {
      if (lost !== undefined) throw lost;
      if (!(await lockOwnedTask(transaction, task))) throw superseded();
    });
  } finally {
    clearInterval(timer);
  }
}
