import { hostname } from 'node:os';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { CallbackActivities } from '../activities/callbacks/contract.ts';
import type { TaskActivities } from '../activities/contract.ts';
import type { JournalActivities } from '../activities/journal/contract.ts';
import { TASK_QUEUES, type TaskQueueName } from '../src/temporal/names.ts';
import { loadWorkflowBundle } from './bundle.ts';
import { schedulerActivities, type SchedulerPasses } from './scheduler-activities.ts';

/** The activities of each kind, made by the composition root. */
export interface Activities {
  readonly journal: JournalActivities;
  readonly tasks: TaskActivities;
  readonly callbacks: CallbackActivities;
  readonly scheduler: SchedulerPasses;
}

/** Seconds that a stopping worker gives running tasks before it cancels them. */
const SHUTDOWN_GRACE = '5s';

/** Media tasks that one worker process runs at once. */
export const WORK_SLOTS = 4;

type QueueOptions = Partial<WorkerOptions>;

async function optionsOf(queue: TaskQueueName, activities: Activities): Promise<QueueOptions> {
  switch (queue) {
    case 'controller':
      return {
        workflowBundle: await loadWorkflowBundle(),
        activities: activities.journal,
        maxConcurrentWorkflowTaskExecutions: 40,
        maxConcurrentLocalActivityExecutions: 100,
      };
    case 'work':
    case 'capture':
      return { activities: activities.tasks, maxConcurrentActivityTaskExecutions: WORK_SLOTS };
    case 'callback':
      return { activities: activities.callbacks, maxConcurrentActivityTaskExecutions: 200 };
    case 'scheduler':
      return {
        activities: schedulerActivities(activities.scheduler),
        maxConcurrentActivityTaskExecutions: 4,
        // a cancel comes with the answer to a heartbeat: a schedule that is switched off stops at once
        maxHeartbeatThrottleInterval: '1s',
      };
  }
}

/** How Temporal knows the worker of a queue on this host; `health.ts` looks for it. */
export const workerIdentity = (queue: string): string => `${hostname()}/${process.pid}@${queue}`;

/** A worker for each of the given task queues, on one connection. */
export function createWorkers(options: {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly queues: readonly TaskQueueName[];
  readonly activities: Activities;
}): Promise<readonly Worker[]> {
  return Promise.all(
    options.queues.map(async (queue) =>
      Worker.create({
        connection: options.connection,
        namespace: options.namespace,
        taskQueue: TASK_QUEUES[queue],
        identity: workerIdentity(queue),
        shutdownGraceTime: SHUTDOWN_GRACE,
        shutdownForceTime: '30s',
        ...(await optionsOf(queue, options.activities)),
      }),
    ),
  );
}
