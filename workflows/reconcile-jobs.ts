import { proxyActivities } from '@temporalio/workflow';
import type { ReconcileActivities, ReconcilePassResult } from '../activities/reconcile/contract.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';

// One pass; the next tick of the schedule is the retry.
const { reconcile } = proxyActivities<ReconcileActivities>({
  taskQueue: TASK_QUEUES.scheduler,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 3 },
});

/** The schedule `reconcile_jobs`: ends what lost its execution, starts what waits for nothing. */
export async function reconcileJobs(): Promise<ReconcilePassResult> {
  return await reconcile();
}
