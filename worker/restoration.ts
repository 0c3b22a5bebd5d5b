import type { RestorationPort } from '../activities/files/undo/restoration.ts';
import { WorkError } from '../src/domain/failure.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import {
  deleteFormer,
  getFormerOf,
  getPlaceOf,
  insertFormer,
  listNeededFiles,
  lockPurgedFormer,
  postponeFormer,
} from '../src/store/former-publications.ts';
import { getJob } from '../src/store/jobs.ts';
import { lockPlace, tryLockPlace } from '../src/store/place-lock.ts';
import {
  forgetPublication,
  getPublication,
  listTakenFiles,
  putPublication,
  setJobResult,
} from '../src/store/publications.ts';
import { overtakeUploads } from '../src/store/uploads.ts';
import { keepAlive, requireOwner, whileHeld } from './owned-task.ts';

/** The record of replaced publications in Postgres. */
export function createRestoration({ db }: { readonly db: Db }): RestorationPort {
  return {
    find: (undoneJobId) => getFormerOf(db, undoneJobId),

    isDone: async (jobId) => ((await getJob(db, jobId))?.result ?? null) !== null,

    switchBack: (task, former, result, work) =>
      inTransaction(db, async (transaction) => {
        await requireOwner(transaction, task);
        await lockPlace(transaction, former.tenantId, former.location);
        const onAir = await getPublication(transaction, former);
        if (onAir?.jobId !== former.replacedBy) {
          throw new WorkError('InvalidInput', 'Another job has published this asset meanwhile');
        }
        const taken = new Set(await listTakenFiles(transaction, former));
        await whileHeld(transaction, task, (proveOwner) => work(proveOwner, taken));
        const { jobId, result: told } = former;
        const files = former.files.filter((key) => !taken.has(key));
        if (jobId === null) await forgetPublication(transaction, former);
        else await putPublication(transaction, former, { jobId, files, result: told });
        await setJobResult(transaction, task.jobId, result);
        await overtakeUploads(transaction, former, task);
        await deleteFormer(transaction, former.id);
        const putBack = new Set(former.kept.map((one) => one.key));
        const undone = {
          ...former,
          jobId: former.replacedBy,
          replacedBy: task.jobId,
          // the kept copies were of the former and go as well
          files: [
            ...onAir.files.filter((key) => !putBack.has(key)),
            ...former.kept.map((one) => one.keptKey),
          ],
          kept: [],
          result: null,
        };
        return insertFormer(transaction, undone, 0);
      }),

    purge: (formerId, work) =>
      inTransaction(db, async (transaction) => {
        // the folder before the row: a switch takes them in this order
        const place = await getPlaceOf(transaction, formerId);
        if (place === undefined) return;
        // a publish that is switching there may take long; the next sweep comes again
        if (!(await tryLockPlace(transaction, place.tenantId, place.location))) {
          await postponeFormer(transaction, formerId);
          return;
        }
        const former = await lockPurgedFormer(transaction, formerId);
        if (former === undefined) return;
        const needed = new Set(await listNeededFiles(transaction, former));
        // what was kept under a hidden name has left its own, which may be a client's by now
        const freed = new Set(former.kept.map((one) => one.key));
        const own = former.files.filter((key) => !freed.has(key));
        const all = [...own, ...former.kept.map((one) => one.keptKey)];
        const keys = all.filter((key) => !needed.has(key));
        await keepAlive(transaction, () => work({ former, keys }));
        await deleteFormer(transaction, formerId);
      }),
  };
}
