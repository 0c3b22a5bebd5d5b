import type {
  FormerAsset,
  Publication,
  PublicationPort,
} from '../activities/files/publish/publication.ts';
import { WorkError } from '../src/domain/failure.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import {
  expireFormers,
  getReplacedBy,
  insertFormer,
  type KeptFile,
} from '../src/store/former-publications.ts';
import { lockPlace } from '../src/store/place-lock.ts';
import {
  forgetOthers,
  getPublication,
  listPublishedFiles,
  listTakenFiles,
  putPublication,
  setJobResult,
} from '../src/store/publications.ts';
import { getJobSettings } from '../src/store/settings.ts';
import { getTenant } from '../src/store/tenants.ts';
import { deleteUploads, overtakeUploads } from '../src/store/uploads.ts';
import { requireOwner, requireWanted, whileHeld } from './owned-task.ts';

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
        const { location, asset, files, result } = publication;
        const place = { tenantId: tenant.id, location, asset };
        await lockPlace(transaction, tenant.id, location);
        const { undoWindowSeconds } = await getJobSettings(transaction, task.jobId);
        const onAir = await getPublication(transaction, place);
        const taken = new Set(await listTakenFiles(transaction, place));
        const own = onAir && { ...onAir, files: onAir.files.filter((key) => !taken.has(key)) };
        const former = own?.jobId === task.jobId ? undefined : (own ?? UNPUBLISHED);

        let kept: readonly KeptFile[] = [];
        const write = async (proveOwner: () => Promise<void>): Promise<void> => {
          kept = await writeManifests(proveOwner, former);
        };
        await whileHeld(transaction, task, write, requireWanted);
        // holds the job's row: it cannot be given up any more before this is on record
        await setJobResult(transaction, task.jobId, result);
        await requireWanted(transaction, task);
        if (publication.isAlone === true) await forgetOthers(transaction, place);
        await expireFormers(transaction, place, task.jobId);
        if (former !== undefined && (former.jobId !== null || kept.length > 0)) {
          const { storage, folder } = publication;
          const known = former.jobId === null ? kept.map((one) => one.key) : former.files;
          const about = { ...place, ...former, files: known, storage, folder, kept };
          const windowSeconds = canBePutBack(former, publication) ? undoWindowSeconds : 0;
          await insertFormer(transaction, { ...about, replacedBy: task.jobId }, windowSeconds);
        }
        await deleteUploads(transaction, task);
        await overtakeUploads(transaction, place, task);
        await putPublication(transaction, place, { jobId: task.jobId, files, result });
        // a retry after the switch is told it again
        const replaced = await getReplacedBy(transaction, task.jobId);
        const keptKeys = replaced?.kept.map((one) => one.key) ?? [];
        return {
          dropped: keptKeys.filter((key) => !files.includes(key)),
          formerId: replaced?.isPurged === true ? replaced.id : undefined,
        };
      }),
  };
}

/** What an asset is taken for that no job of the tenant has published. */
const UNPUBLISHED = { jobId: null, files: [], result: null };

/** Of an asset that is not ours only what was overwritten is known: where the rest is deleted, it would not play. */
const canBePutBack = (former: FormerAsset, publication: Publication): boolean =>
  former.jobId !== null || publication.isAlone !== true;
