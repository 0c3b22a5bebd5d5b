import { proxyActivities, sleep } from '@temporalio/workflow';
import type { NoopTasks } from '../noop-tasks.ts';

/** What a script without an engine calls. */
export interface BareActivities extends NoopTasks {
  callback(body: {
    readonly jobId: number;
    readonly task: string;
    readonly event: string;
  }): Promise<void>;
  post(url: string, body: string): Promise<void>;
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

/** The nine callbacks of a job alone, each an awaited activity that posts its body. */
export async function bareCallbacks(jobId: number, url: string, pauseMs: number): Promise<void> {
  const post = async (task: string, event: string): Promise<void> => {
    const time = new Date().toISOString();
    await activities.post(url, JSON.stringify({ job_id: jobId, task_name: task, event, time }));
  };
  for (const task of TASKS) {
    for (const event of ['start', 'complete']) {
      await post(task, event);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }
  await post('job', 'completed');
}
