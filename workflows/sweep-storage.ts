import { proxyActivities } from '@temporalio/workflow';
import type { ScheduleActivities, SweepPassResult } from '../activities/schedule/contract.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';

// One pass; the next tick of the schedule is the retry.
const activities = proxyActivities<ScheduleActivities>({
  taskQueue: TASK_QUEUES.scheduler,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 3 },
});

/** The schedule `sweep_storage`: removes what jobs that are over have left in storages. */
export async function sweepStorage(): Promise<SweepPassResult> {
  return await activities.sweepStorage();
}
