import { proxyActivities } from '@temporalio/workflow';
import type { NoopTasks } from '../noop-tasks.ts';

/** What a script without an engine calls. */
export interface BareActivities extends NoopTasks {
  callback(body: {
    readonly jobId: number;
    readonly task: string;
    readonly event: string;
  }): Promise<void>;
}

const activities = proxyActivities<BareActivities>({ startToCloseTimeout: '1m' });
const TASKS = ['fetchSource', 'inspectSource', 'package', 'publish'] as const;

/** Four tasks and nothing else. */
export async function bare(jobId: number): Promise<void> {
  for (const task of TASKS) await activities[task]({ jobId });
}

/** Four tasks with an awaited callback activity at each start, each end and the job's end. */
export async function bareWithCallbacks(jobId: number): Promise<void> {
  for (const task of TASKS) {
    await activities.callback({ jobId, task, event: 'start' });
    await activities[task]({ jobId });
    await activities.callback({ jobId, task, event: 'complete' });
  }
  await activities.callback({ jobId, task: 'job', event: 'completed' });
}
