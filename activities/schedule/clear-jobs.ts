import type { Logger } from '../../src/log/logger.ts';
import { deleteOldJobs } from '../../src/store/clear-jobs.ts';
import type { Db } from '../../src/store/db.ts';
import { deleteExpiredKeys } from '../../src/store/idempotency.ts';
import { getSystemSettings } from '../../src/store/system-settings.ts';
import type { ClearPassResult } from './contract.ts';
import { type Pass, withHeartbeat } from './pass.ts';

/** Rows deleted by one statement: what hangs on a job goes with it, and locks are not held for long. */
const BATCH = 500;

/**
 * Deletes what is old: jobs that ended longer ago than the system keeps them, and keys of requests that
 * nobody can repeat any more. Throws when it is called off, between two batches.
 */
export async function clearJobs(
  deps: { readonly db: Db; readonly log: Logger; readonly batch?: number },
  pass: Pass,
): Promise<ClearPassResult> {
  const { db, log, batch = BATCH } = deps;
  const done = { jobs: 0, keys: 0 };

  const repeat = async (what: keyof ClearPassResult, clear: () => Promise<number>) => {
    for (;;) {
      pass.signal.throwIfAborted();
      const count = await clear();
      done[what] += count;
      if (count < batch) return;
    }
  };

  await withHeartbeat(
    pass,
    () => ({ ...done }),
    async () => {
      const { jobRetentionDays: retentionDays } = await getSystemSettings(db);
      await repeat('jobs', () => deleteOldJobs(db, { retentionDays, limit: batch }));
      await repeat('keys', () => deleteExpiredKeys(db, batch));
    },
  );
  if (done.jobs + done.keys > 0) log.info(done, 'cleared');
  return done;
}
