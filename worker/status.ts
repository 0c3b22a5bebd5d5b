import type { Worker } from '@temporalio/worker';
import type { Logger } from '../src/log/logger.ts';
import { repeat } from '../src/process/repeat.ts';
import type { Db } from '../src/store/db.ts';
import { foldTaskTally } from '../src/store/task-tally.ts';
import { reportStopped, reportWorkers, type WorkerStatus } from '../src/store/worker-status.ts';

/** Between two reports, milliseconds. A worker that is silent for 15 s counts as dead. */
const REPORT_MS = 3000;
/** Between two times that the ledger of tasks is folded, milliseconds. */
const FOLD_MS = 60_000;

/** Reports that go on until they are stopped. */
export interface StatusReports {
  /** Says that the workers have stopped. */
  readonly stop: () => Promise<void>;
}

/**
 * Writes down every few seconds what the workers of this process do, for `GET /health`. Where Postgres
 * cannot be reached they are told to be dead until it can; work does not depend on it.
 */
export function startStatusReports(deps: {
  readonly db: Db;
  readonly log: Logger;
  readonly workers: readonly Worker[];
}): StatusReports {
  const { db, log, workers } = deps;
  let foldedMs = performance.now();

  const report = async (): Promise<void> => {
    await reportWorkers(db, workers.filter(isAtWork).map(toStatus));
    if (performance.now() - foldedMs < FOLD_MS) return;
    foldedMs = performance.now();
    await foldTaskTally(db);
  };

  const reports = repeat('reporting what the workers do', REPORT_MS, report, log);
  return {
    stop: async () => {
      await reports.stop();
      await reportStopped(
        db,
        workers.map((worker) => worker.options.identity),
      ).catch((error: unknown) => log.warn({ err: error }, 'the stop was not reported'));
    },
  };
}

/** Also while it ends what it has in hand. */
const isAtWork = (worker: Worker): boolean =>
  !['INITIALIZED', 'STOPPED', 'FAILED'].includes(worker.getState());

function toStatus(worker: Worker): WorkerStatus {
  const { numInFlightActivities, numInFlightWorkflowActivations } = worker.getStatus();
  return {
    identity: worker.options.identity,
    queue: worker.options.taskQueue,
    working: numInFlightActivities + numInFlightWorkflowActivations,
  };
}
