import { proxyActivities } from '@temporalio/workflow';
import type { QueuePassResult, ScheduleActivities } from '../activities/schedule/contract.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';

// One pass lasts less than a minute; the next tick of the schedule is the retry.
const activities = proxyActivities<ScheduleActivities>({
  taskQueue: TASK_QUEUES.scheduler,
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 3 },
});

/** The schedule `queue_scheduled_jobs`: queues jobs whose time has come and whose semaphore is open. */
export async function queueScheduledJobs(): Promise<QueuePassResult> {
  return await activities.queueScheduledJobs();
}
