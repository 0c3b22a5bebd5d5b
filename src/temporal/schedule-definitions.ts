import {
  ENGINE_WORKFLOWS,
  type ScheduleName,
  SCHEDULES,
  TASK_QUEUES,
  type TaskQueueName,
} from './names.ts';

/** What the engine knows of one of its schedules. */
export interface ScheduleDefinition {
  readonly workflowType: string;
  /** Seconds between two ticks where nothing else is set. */
  readonly everySeconds: number;
  /** Seconds after whole multiples of the interval, counted from 1970 on. Default 0. */
  readonly offsetSeconds?: number;
  /** The task queue that its work is done on. */
  readonly queue: TaskQueueName;
  /** For people. */
  readonly description: string;
}

/** The engine's schedules. */
export const SCHEDULE_DEFINITIONS: Readonly<Record<ScheduleName, ScheduleDefinition>> = {
  [SCHEDULES.queueScheduledJobs]: {
    workflowType: ENGINE_WORKFLOWS.queueScheduledJobs,
    everySeconds: 60,
    queue: TASK_QUEUES.scheduler,
    description:
      'Queues scheduled jobs whose run_at is past and whose semaphore_url answers 2xx or 3xx. Every schedule_interval seconds, the shortest that anybody has set.',
  },
  [SCHEDULES.reconcileJobs]: {
    workflowType: ENGINE_WORKFLOWS.reconcileJobs,
    everySeconds: 30,
    queue: TASK_QUEUES.scheduler,
    description:
      'Ends jobs whose workflow was terminated, starts what Temporal has lost, gives free slots to waiting jobs.',
  },
  [SCHEDULES.clearJobs]: {
    workflowType: ENGINE_WORKFLOWS.clearJobs,
    everySeconds: 24 * 3600,
    // 03:00 UTC
    offsetSeconds: 3 * 3600,
    queue: TASK_QUEUES.scheduler,
    description:
      'Deletes jobs that ended more than job_retention_days ago, with their logs, tasks and callbacks; not those with persist or a callback still to send. At 03:00 UTC.',
  },
  [SCHEDULES.sweepStorage]: {
    workflowType: ENGINE_WORKFLOWS.sweepStorage,
    everySeconds: 30,
    queue: TASK_QUEUES.scheduler,
    description:
      'Removes files and multipart uploads that jobs have left in output folders which were terminated, or whose storage was down when they ended, and files of replaced publications whose undo_window is over.',
  },
};

/** The names of all schedules, as the API spells them. */
export const SCHEDULE_NAMES = Object.keys(SCHEDULE_DEFINITIONS) as readonly ScheduleName[];

/** True for the name of a schedule. */
export const isScheduleName = (name: string): name is ScheduleName =>
  Object.hasOwn(SCHEDULE_DEFINITIONS, name);
