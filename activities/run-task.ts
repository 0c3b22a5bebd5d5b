import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { type FailureType, WorkError } from '../src/domain/failure.ts';
import { taskId, taskNumberOf } from '../src/domain/task-id.ts';
import { jobIdOf } from '../src/temporal/names.ts';
import type { Logger } from '../src/log/logger.ts';
import type { Db } from '../src/store/db.ts';
import { insertLog } from '../src/store/logs.ts';
import { getJobSettings } from '../src/store/settings.ts';
import {
  claimTask,
  countTaskFailure,
  getTaskFailures,
  type TaskAttempt,
} from '../src/store/tasks.ts';
import { spaceFailure } from './space/space-failure.ts';
import type { ScratchWatch } from './space/watch.ts';
import type { Task, TaskCode, TaskProgress } from './task.ts';

/** Seconds between two heartbeats; the timeout is 10 s (workflows/cost-classes.ts). */
const HEARTBEAT_MS = 2000;

const fail = (type: FailureType, message: string, cause: unknown): ApplicationFailure =>
  ApplicationFailure.create({
    message,
    type,
    nonRetryable: true,
    ...(cause instanceof Error ? { cause } : {}),
  });

/**
 * Makes a task's code an activity: it owns its task before it works, heartbeats while it works, and
 * its failures are counted against the tenant's `retry_limit`, which a lost worker or a deploy never
 * spends. A watch may stop it before its disk is full. This is the border at which errors become
 * Temporal's.
 */
export function runTask<Input, Result>(
  deps: {
    readonly db: Db;
    readonly log: Logger;
    readonly watch: Pick<ScratchWatch, 'enter'>;
  },
  code: TaskCode<Input, Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const context = Context.current();
    const attempt = attemptOf(context);
    if (!(await claimTask(deps.db, attempt))) {
      throw fail(
        'Superseded',
        'Another attempt of this task took over, or its job has ended',
        null,
      );
    }
    const watched = deps.watch.enter(attempt.jobId);
    let progress: TaskProgress = {};
    const beat = setInterval(() => {
      context.heartbeat(progress);
    }, HEARTBEAT_MS);
    const task: Task = {
      jobId: attempt.jobId,
      taskNumber: attempt.taskNumber,
      attempt: attempt.attempt,
      runId: attempt.runId,
      signal: AbortSignal.any([context.cancellationSignal, watched.signal]),
      progress: (update) => {
        progress = update;
      },
      log: deps.log.child({ jobId: attempt.jobId, task: context.info.activityId }),
      note: (severity, message) =>
        insertLog(deps.db, {
          jobId: attempt.jobId,
          taskId: taskId(attempt.jobId, attempt.taskNumber),
          severity,
          progname: 'worker',
          message,
        }),
    };
    try {
      await tellOfLostWorker(deps.db, task, attempt);
      return await code(task, input);
    } catch (error) {
      const why: unknown = watched.signal.aborted ? watched.signal.reason : spaceFailure(error);
      throw await toFailure(deps.db, task, attempt, context, why);
    } finally {
      watched.leave();
      clearInterval(beat);
    }
  };
}

/** What took so long: silence until the heartbeat's timeout. After a failure, which has a row itself, none is sure. */
async function tellOfLostWorker(db: Db, task: Task, attempt: TaskAttempt): Promise<void> {
  if (attempt.attempt === 1 || (await getTaskFailures(db, attempt)) > 0) return;
  await task.note(
    'INFO',
    `The worker of this task was lost or stopped; attempt ${attempt.attempt} takes over`,
  );
}

function attemptOf(context: Context): TaskAttempt {
  const { activityId, attempt, workflowExecution } = context.info;
  const jobId = jobIdOf(workflowExecution?.workflowId ?? '');
  const taskNumber = taskNumberOf(activityId);
  if (jobId === undefined || taskNumber === undefined || workflowExecution === undefined) {
    throw new Error(`Activity ${activityId} is no task of a job`);
  }
  return { jobId, taskNumber, runId: workflowExecution.runId, attempt };
}

async function toFailure(
  db: Db,
  task: Task,
  attempt: TaskAttempt,
  context: Context,
  error: unknown,
): Promise<Error> {
  // a cancelled job, a stopping worker, a lost task: no failure of the work
  if (context.cancellationSignal.aborted) {
    return error instanceof CancelledFailure ? error : await cancelled(context);
  }
  const message = error instanceof Error ? error.message : String(error);
  const type = error instanceof WorkError ? error.type : 'ToolFailed';
  task.log.warn({ err: error }, 'task failed');
  if (error instanceof WorkError && error.isTerminal) return fail(type, message, error.cause);
  if (type === 'Superseded') return fail(type, message, null);
  const [failures, settings] = await Promise.all([
    countTaskFailure(db, attempt),
    getJobSettings(db, task.jobId),
  ]);
  if (failures > settings.retryLimit) {
    const tries = failures === 1 ? '' : ` (after ${failures} tries)`;
    return fail('RetriesExhausted', `${message}${tries}`, error);
  }
  await task.note(
    'WARN',
    `${message}; trying again in ${settings.retryDelaySeconds} s (${failures} of ${settings.retryLimit})`,
  );
  return ApplicationFailure.create({
    message,
    type,
    nextRetryDelay: Math.max(1, settings.retryDelaySeconds * 1000),
  });
}

/** The failure with which Temporal knows a cancelled attempt; `cancelled` rejects with it. */
async function cancelled(context: Context): Promise<Error> {
  try {
    return await context.cancelled;
  } catch (error) {
    return error instanceof Error ? error : new CancelledFailure('Task was cancelled');
  }
}
