import type { PublicationPort } from '../activities/files/publication.ts';
import { WorkError } from '../src/domain/failure.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import { listPublishedFiles, replacePublication, setJobResult } from '../src/store/publications.ts';
import { getTenant } from '../src/store/tenants.ts';
import { requireOwner, whileHeld } from './owned-task.ts';

/**
 * The switch to a new publication, fenced: the task's row is locked and must still belong to this
 * attempt while the manifests are written, so a worker that was frozen and woke up writes nothing.
 */
export function createPublication(deps: { readonly db: Db }): PublicationPort {
  return {
    filesAt: (tenant, location) => listPublishedFiles(deps.db, tenant, location),

    switchOver: (task, publication, writeManifests) =>
      inTransaction(deps.db, async (transaction) => {
        await requireOwner(transaction, task);
        const tenant = await getTenant(transaction, publication.tenant);
        if (tenant === undefined) {
          throw new WorkError(
            'InvalidInput',
            `Tenant ${publication.tenant} does not exist any more`,
          );
        }
        await whileHeld(transaction, task, writeManifests);
        await setJobResult(transaction, task.jobId, publication.result);
        return replacePublication(
          transaction,
          { tenantId: tenant.id, location: publication.location, asset: publication.asset },
          task.jobId,
          publication.files,
        );
      }),
  };
}
