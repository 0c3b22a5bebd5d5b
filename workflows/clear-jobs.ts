import { proxyActivities } from '@temporalio/workflow';
import type { ClearPassResult, ScheduleActivities } from '../activities/schedule/contract.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';

// As long as there is something to delete; a pass that breaks off goes on where it stopped.
const activities = proxyActivities<ScheduleActivities>({
  taskQueue: TASK_QUEUES.scheduler,
  startToCloseTimeout: '12h',
  heartbeatTimeout: '1m',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    initialInterval: '10s',
    backoffCoefficient: 2,
    maximumInterval: '5m',
    maximumAttempts: 20,
  },
});

/** The schedule `clear_jobs`: deletes jobs that ended long ago, and what hangs on them. */
export async function clearJobs(): Promise<ClearPassResult> {
  return await activities.clearJobs();
}
