/** Task queues, one per kind of work, so that each can be given its own workers and limits. */
export const TASK_QUEUES = {
  /** Workflows, and the local activities that write their events. */
  controller: 'controller',
  /** Media tasks: fetch, inspect, package, publish. */
  work: 'work',
  /** Live captures. */
  capture: 'capture',
  /** Delivery of callbacks. */
  callback: 'callback',
  /** Ticks: scheduled jobs, reconciling, clearing. */
  scheduler: 'scheduler',
} as const;

/** The short name of a task queue. */
export type TaskQueueName = keyof typeof TASK_QUEUES;

/** The workflow id of a job. A job has exactly one execution, ever. */
export const jobWorkflowId = (jobId: number): string => `job-${jobId}`;

/** The job id inside a workflow id, or undefined where the workflow is no job. */
export function jobIdOf(workflowId: string): number | undefined {
  const match = /^job-(\d+)$/.exec(workflowId);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The workflow id of the deliveries to one endpoint: `deliver-<tenant>-<origin>`. */
export const deliveryWorkflowId = (tenant: string, origin: string): string =>
  `deliver-${tenant}-${origin}`;

/** Search attributes that the engine creates at start-up; they hold nothing secret. */
export const SEARCH_ATTRIBUTES = {
  client: 'JobClient',
  workflow: 'JobWorkflow',
  contentId: 'JobContentId',
  state: 'JobState',
  priority: 'JobPriority',
} as const;

/** Temporal Schedules of the engine. */
export const SCHEDULES = {
  queueScheduledJobs: 'queue_scheduled_jobs',
  reconcileJobs: 'reconcile_jobs',
  clearJobs: 'clear_jobs',
  sweepStorage: 'sweep_storage',
} as const;

/** The name of a schedule, on the wire too. */
export type ScheduleName = (typeof SCHEDULES)[keyof typeof SCHEDULES];

/** The signal that tells a halted job that it was put back. */
export const RESUME_SIGNAL = 'resume';

/** The signal that wakes a sleeping delivery workflow. */
export const WAKE_SIGNAL = 'wake';

/** Workflow types of the engine itself, beside the contract's recipes. */
export const ENGINE_WORKFLOWS = {
  deliverEndpoint: 'deliverEndpoint',
  queueScheduledJobs: 'queueScheduledJobs',
  reconcileJobs: 'reconcileJobs',
  clearJobs: 'clearJobs',
  sweepStorage: 'sweepStorage',
} as const;
