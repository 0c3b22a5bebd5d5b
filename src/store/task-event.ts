import { buildTaskCallback, type TaskEventName } from '../domain/callback.ts';
import { shapeCallback } from '../domain/callback-shape.ts';
import { taskId } from '../domain/task-id.ts';
import type { NewTaskEvent } from './events.ts';
import type { JobIdentity } from './jobs.ts';

const WORDS = { start: 'started', complete: 'completed', fail: 'failed' } as const;

/** A task event with its ids, its row for the log and its frozen callback. */
export function buildTaskEvent(
  job: JobIdentity,
  event: {
    readonly taskNumber: number;
    readonly taskName: string;
    readonly event: TaskEventName;
    readonly message: string;
    readonly timeMs: number;
  },
): NewTaskEvent {
  const id = taskId(job.id, event.taskNumber);
  const words = `Task ${event.taskName} ${WORDS[event.event]}`;
  return {
    ...event,
    taskId: id,
    logMessage: event.message === '' ? words : `${words}: ${event.message}`,
    body: shapeCallback(
      job.shape,
      'task',
      buildTaskCallback({
        jobId: job.id,
        taskId: id,
        taskName: event.taskName,
        workflow: job.workflow,
        event: event.event,
        contentId: job.contentId,
        message: event.message,
        timeMs: event.timeMs,
        tenant: job.tenant,
      }),
    ),
  };
}
