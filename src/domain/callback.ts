/** What a task callback tells (contract §3). */
export type TaskEventName = 'start' | 'complete' | 'fail';

/** The fields of a task callback. */
export interface TaskCallback {
  readonly jobId: number;
  readonly taskId: number;
  readonly taskName: string;
  readonly workflow: string;
  readonly event: TaskEventName;
  readonly contentId: string | null;
  readonly message: string;
  /** When the event happened, milliseconds since 1970 UTC. */
  readonly timeMs: number;
  readonly tenant: string;
}

/** What a recipe adds to its job callback. */
export interface JobResult {
  /** Workflow-specific: for `vodstream` the full path of the active manifest. */
  readonly message: string;
  /** Full paths of the files written. */
  readonly files?: readonly string[];
  /** Length of the content in seconds, to the millisecond. */
  readonly durationSeconds?: number;
}

/** The fields of a job callback. */
export interface JobCallback {
  readonly jobId: number;
  readonly isFailed: boolean;
  readonly workflow: string;
  readonly contentId: string | null;
  readonly tenant: string;
  /** `custom_data` as the client wrote it, raw JSON text; null where there was none. */
  readonly customData: string | null;
  readonly message: string;
  readonly timeMs: number;
  readonly result?: JobResult;
}

const toIso = (timeMs: number): string => new Date(timeMs).toISOString();

/** The body of a task callback, frozen as text when the event is made. */
export function buildTaskCallback(event: TaskCallback): string {
  return JSON.stringify({
    job_id: event.jobId,
    task_id: event.taskId,
    task_name: event.taskName,
    workflow: event.workflow,
    event: event.event,
    content_id: event.contentId,
    message: event.message,
    time: toIso(event.timeMs),
    client: event.tenant,
  });
}

/**
 * The body of a job callback. `custom_data` is spliced in as the bytes the client sent: a JSON round
 * trip would change big integers, `1.0`, key order and duplicate keys.
 */
export function buildJobCallback(job: JobCallback): string {
  const files = job.result?.files;
  const durationSeconds = job.result?.durationSeconds;
  const body = JSON.stringify({
    job_id: job.jobId,
    status: job.isFailed ? 'failed' : 'completed',
    workflow: job.workflow,
    content_id: job.contentId,
    client: job.tenant,
    time: toIso(job.timeMs),
    message: job.message,
    ...(files === undefined ? {} : { files }),
    ...(durationSeconds === undefined
      ? {}
      : { metadata: { duration: Math.round(durationSeconds * 1000) / 1000 } }),
  });
  return `${body.slice(0, -1)},"custom_data":${job.customData ?? 'null'}}`;
}

/**
 * The name of an event, the same on every attempt and for every URL: `te_42_3_start` is the start of the
 * third task of job 42, `te_42_job_end` the job's end. `webhook-id` of its requests.
 */
export const callbackId = (event: {
  readonly jobId: number;
  /** 0 for the job itself. */
  readonly taskNumber: number;
  readonly isEnd: boolean;
}): string =>
  event.taskNumber === 0
    ? `te_${event.jobId}_job_end`
    : `te_${event.jobId}_${event.taskNumber}_${event.isEnd ? 'end' : 'start'}`;

/** The event of a name that {@link callbackId} made; undefined for any other text. */
export function parseCallbackId(
  text: string,
): { readonly jobId: number; readonly taskNumber: number; readonly isEnd: boolean } | undefined {
  const [, job, task, phase] =
    /^te_(\d{1,15})_(?:(?:([1-9]\d{0,2})_(start|end))|job_end)$/.exec(text) ?? [];
  if (job === undefined) return undefined;
  return { jobId: Number(job), taskNumber: Number(task ?? 0), isEnd: phase !== 'start' };
}
