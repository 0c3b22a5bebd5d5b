import type { Logger } from '../../src/log/logger.ts';
import { admitJobs } from '../../src/store/admission.ts';
import type { Db } from '../../src/store/db.ts';
import { listDispatchedJobs, listWaitingTenants, requeueStart } from '../../src/store/reconcile.ts';
import type { JournalActivities } from '../journal/contract.ts';
import type { ReconcilePassResult } from './contract.ts';

/** How Temporal knows an execution. */
export type ExecutionState =
  | { readonly kind: 'running' }
  /** Closed; `reason` says how, for people. */
  | { readonly kind: 'closed'; readonly reason: string }
  /** Never started, or forgotten. */
  | { readonly kind: 'unknown' };

const BATCH = 100;
const PARALLEL = 10;

/**
 * One pass of the reconciler: a job whose execution closed without its end code (terminated, timed
 * out) is ended as failed, its open tasks first; one that Temporal does not know is started again;
 * free slots are given out. Scheduled jobs are left alone: their schedule may be switched off.
 */
export function createReconcile(deps: {
  readonly db: Db;
  readonly journal: JournalActivities;
  readonly describeExecution: (jobId: number) => Promise<ExecutionState>;
  readonly log: Logger;
}): (heartbeat: () => void) => Promise<ReconcilePassResult> {
  const { db, log } = deps;

  const end = async (jobId: number, reason: string): Promise<void> => {
    log.warn({ jobId, reason }, 'execution ended without its end code; ending the job as failed');
    const timeMs = Date.now();
    await deps.journal.finishJob({ jobId, isFailed: true, reason, timeMs, events: [] });
  };

  return async (heartbeat) => {
    const done = { ended: 0, restarted: 0 };
    const check = async (jobId: number): Promise<void> => {
      const state = await deps.describeExecution(jobId);
      if (state.kind === 'closed') {
        await end(jobId, state.reason);
        done.ended += 1;
      }
      if (state.kind === 'unknown') {
        log.warn({ jobId }, 'Temporal does not know the execution of a started job; starting it');
        await requeueStart(db, jobId);
        done.restarted += 1;
      }
    };
    for (let last = 0; ; ) {
      const ids = await listDispatchedJobs(db, last, BATCH);
      for (let at = 0; at < ids.length; at += PARALLEL) {
        heartbeat();
        await Promise.all(ids.slice(at, at + PARALLEL).map(check));
      }
      last = ids.at(-1) ?? last;
      if (ids.length < BATCH) break;
    }
    for (const tenantId of await listWaitingTenants(db)) {
      heartbeat();
      await admitJobs(db, tenantId);
    }
    return done;
  };
}
