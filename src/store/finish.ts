import { sql } from 'kysely';
import { buildJobCallback } from '../domain/callback.ts';
import { shapeCallback } from '../domain/callback-shape.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import { admitInTransaction } from './admission.ts';
import { getCallbackSettings } from './callback-settings.ts';
import { type Db, executePrepared, inTransaction } from './db.ts';
import { insertJobEndEvent, insertTaskEvents, type NewTaskEvent } from './events.ts';
import { getJob, type JobIdentity } from './jobs.ts';
import { buildTaskEvent } from './task-event.ts';
import { listOpenTasks } from './tasks.ts';
import { lockTenantOfJob } from './tenant-lock.ts';
import { insertLog, withoutNul } from './logs.ts';

/** How a job ended. */
export interface JobEnd {
  readonly jobId: number;
  readonly isFailed: boolean;
  /** The reason of a failure; a job that succeeded tells its result instead. */
  readonly reason: string;
  readonly timeMs: number;
  /** Task events that are still to be recorded, before the job's end. */
  readonly events: readonly NewTaskEvent[];
}

/** What the job end of a job that was given up tells, whatever its workflow says of being cancelled. */
export const GIVEN_UP = 'The job was given up (broken)';

/**
 * Ends a job in one transaction: its state, the callbacks of its end, and its slot, which goes to the
 * next job at once. Ending a job that has ended does nothing and returns false. A job that a person
 * gave up (`broken`) stays broken and is told as failed.
 */
export async function finishJob(db: Db, end: JobEnd): Promise<boolean> {
  return inTransaction(db, (transaction) => finishInTransaction(transaction, end));
}

/** {@link finishJob} inside a transaction that does more. */
export async function finishInTransaction(transaction: Db, end: JobEnd): Promise<boolean> {
  await lockTenantOfJob(transaction, end.jobId);
  const { rows } = await executePrepared(
    transaction,
    'finish_job',
    sql<{ tenant_id: number; queue_state: number }>`
      UPDATE jobs SET
        queue_state = CASE WHEN queue_state = ${JOB_STATES.broken} THEN queue_state
                           ELSE ${JOB_STATES.completed} END,
        failed = ${end.isFailed} OR queue_state = ${JOB_STATES.broken}, is_leaving = false,
        ended_at = clock_timestamp(), updated_at = clock_timestamp()
      WHERE id = ${end.jobId} AND ended_at IS NULL
        AND (queue_state IN (${JOB_STATES.started}, ${JOB_STATES.paused}, ${JOB_STATES.broken})
             OR dispatched_at IS NOT NULL)
      RETURNING tenant_id, queue_state`,
  );
  const row = rows[0];
  if (row === undefined) return false;
  if (end.events.length > 0) await insertTaskEvents(transaction, end.jobId, end.events);
  const job = await getJob(transaction, end.jobId);
  if (job === undefined) throw new Error(`Job ${end.jobId} vanished while it was ending`);
  const reason = row.queue_state === JOB_STATES.broken ? GIVEN_UP : withoutNul(end.reason);
  const message = job.isFailed ? reason : (job.result?.message ?? '');
  await sql`UPDATE jobs SET message = ${message} WHERE id = ${end.jobId}`.execute(transaction);
  const { shape } = await getCallbackSettings(transaction, row.tenant_id);
  if (job.isFailed) await closeOpenTasks(transaction, { ...job, shape }, message, end.timeMs);
  const body = buildJobCallback({
    jobId: job.id,
    isFailed: job.isFailed,
    workflow: job.workflow,
    contentId: job.contentId,
    tenant: job.tenant,
    customData: job.customData,
    message,
    timeMs: end.timeMs,
    ...(job.result === null || job.isFailed ? {} : { result: job.result }),
  });
  const sent = shapeCallback(shape, 'job', body);
  await insertJobEndEvent(transaction, end.jobId, sent);
  await warnOfSize(transaction, end.jobId, Buffer.byteLength(sent));
  await insertLog(transaction, {
    jobId: end.jobId,
    severity: job.isFailed ? 'ERROR' : 'INFO',
    progname: 'controller',
    message: job.isFailed ? `Job failed: ${message}` : 'Job completed',
  });
  await admitInTransaction(transaction, row.tenant_id);
  return true;
}

/** Bodies that many receivers take; what is longer is sent whole all the same. */
const COMMON_BODY_BYTES = 256 * 1024;

async function warnOfSize(transaction: Db, jobId: number, sizeBytes: number): Promise<void> {
  if (sizeBytes <= COMMON_BODY_BYTES) return;
  await insertLog(transaction, {
    jobId,
    severity: 'WARN',
    progname: 'controller',
    message: `The job end callback has ${Math.round(sizeBytes / 1024)} KB; some receivers refuse more than 256 KB`,
  });
}

/**
 * Tells of tasks that started and will never say how they ended, because their execution was
 * terminated, that they failed: every start has its end before the job's.
 */
async function closeOpenTasks(
  transaction: Db,
  job: JobIdentity,
  reason: string,
  timeMs: number,
): Promise<void> {
  const open = await listOpenTasks(transaction, job.id);
  if (open.length === 0) return;
  await insertTaskEvents(
    transaction,
    job.id,
    open.map((task) => {
      const { taskNumber, name: taskName } = task;
      return buildTaskEvent(job, { taskNumber, taskName, event: 'fail', message: reason, timeMs });
    }),
  );
}
