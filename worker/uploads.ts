import type {
  TakeBack,
  TakeBackOutcome,
  UploadsPort,
} from '../activities/files/publish/uploads.ts';
import type { Logger } from '../src/log/logger.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import { tryLockPlace } from '../src/store/place-lock.ts';
import { isTaskOwner, lockOwnedTask } from '../src/store/tasks.ts';
import {
  deleteUploads,
  failUploads,
  getMadeFiles,
  type LeftUploads,
  listLeftUploads,
  listUploadsLeftIn,
  lockLeftUploads,
  lockNextUploads,
  postponeUploads,
  putEndedUploads,
  putUploads,
  tellOfUploads,
} from '../src/store/uploads.ts';
import { keepAlive, requireOwner, requireWanted } from './owned-task.ts';

/** After everything was taken back: what an attempt that was cut off has written since is found then. */
const SECOND_LOOK_SECONDS = 300;

/** Where the switch of another job is under way. */
const BUSY_SECONDS = 5;

/** Where a manifest on air names files; the next publication makes it due. */
const ON_AIR_SECONDS = 3600;

const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;

const waitSeconds = (attempts: number): number =>
  Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** Math.min(attempts, 10));

/** What publishes are writing, kept in Postgres. */
export function createUploads(deps: { readonly db: Db; readonly log: Logger }): UploadsPort {
  const { db, log } = deps;
  return {
    record: (task, uploads) =>
      inTransaction(db, async (transaction) => {
        await requireOwner(transaction, task);
        // a retry may start before Temporal hears that the job was given up
        await requireWanted(transaction, task);
        await putUploads(transaction, task, uploads);
      }),

    isOwner: (task) => isTaskOwner(db, task),

    ownsTask: (task) => inTransaction(db, (transaction) => lockOwnedTask(transaction, task)),

    madeBy: (task) => getMadeFiles(db, task),

    forget: (task) =>
      inTransaction(db, async (transaction) => {
        if (await lockOwnedTask(transaction, task)) await deleteUploads(transaction, task);
      }),

    revive: (task, uploads) => putEndedUploads(db, task, uploads),

    leftBy: (jobId) => listLeftUploads(db, jobId),

    leftIn: (tenant, location) => listUploadsLeftIn(db, tenant, location),

    takeBack: (choice, work) =>
      inTransaction(db, async (transaction) => {
        const left = await ('busy' in choice
          ? lockNextUploads(transaction, choice.busy)
          : lockLeftUploads(transaction, choice));
        return left === undefined ? 'nothing' : takeBack(transaction, log, left, work);
      }),
  };
}

async function takeBack(
  transaction: Db,
  log: Logger,
  left: LeftUploads,
  work: TakeBack,
): Promise<TakeBackOutcome> {
  const { jobId } = left;
  if (!(await tryLockPlace(transaction, left.tenantId, left.location))) {
    const { keys, isTakenBack } = left;
    await postponeUploads(transaction, left, { keys, isTakenBack, seconds: BUSY_SECONDS });
    return 'done';
  }
  let kept: readonly string[] = [];
  try {
    await keepAlive(transaction, async () => {
      kept = await work(left);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn({ err: error, jobId }, 'uploads of an ended task not taken back; they are due again');
    const seconds = waitSeconds(left.attempts);
    await failUploads(transaction, left, { message: why, seconds });
    if (left.attempts === 0) {
      const message = `Files that this job did not publish may be left for now: ${why}`;
      await tellOfUploads(transaction, jobId, 'WARN', message);
    }
    return 'failed';
  }
  if (left.attempts > 0) {
    await tellOfUploads(transaction, jobId, 'INFO', 'Files that this job did not publish are gone');
  }
  if (kept.length > 0) {
    const next = { keys: kept, isTakenBack: false, seconds: ON_AIR_SECONDS };
    await postponeUploads(transaction, left, next);
  } else if (left.isTakenBack) {
    await deleteUploads(transaction, left);
  } else {
    const next = { keys: left.keys, isTakenBack: true, seconds: SECOND_LOOK_SECONDS };
    await postponeUploads(transaction, left, next);
  }
  return 'done';
}
