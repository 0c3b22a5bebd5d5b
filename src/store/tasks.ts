import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import { type Db, executePrepared } from './db.ts';

/** Which attempt of which task is meant. Attempts count from 1 within one run of the workflow. */
export interface TaskAttempt {
  readonly jobId: number;
  readonly taskNumber: number;
  readonly runId: string;
  readonly attempt: number;
}

const OPEN_STATES = [JOB_STATES.started, JOB_STATES.paused, JOB_STATES.broken];

/**
 * Makes an attempt the owner of its task. False: a later attempt owns it, or the task or the job has
 * ended; the caller was frozen or cut off, and must write nothing.
 */
export async function claimTask(db: Db, attempt: TaskAttempt): Promise<boolean> {
  const { rows } = await executePrepared(
    db,
    'claim_task',
    sql<{ number: number }>`
    UPDATE tasks SET owner_run_id = ${attempt.runId}, owner_attempt = ${attempt.attempt}
    WHERE job_id = ${attempt.jobId} AND number = ${attempt.taskNumber} AND ended_at IS NULL
      AND (owner_run_id IS DISTINCT FROM ${attempt.runId} OR owner_attempt <= ${attempt.attempt})
      AND EXISTS (SELECT FROM jobs WHERE id = ${attempt.jobId} AND ended_at IS NULL
                  AND queue_state = ANY (${OPEN_STATES}::smallint[]))
    RETURNING number`,
  );
  return rows.length > 0;
}

/** Whether an attempt still owns its task; locks the task's row until the transaction ends. */
export async function lockOwnedTask(transaction: Db, attempt: TaskAttempt): Promise<boolean> {
  const { rows } = await sql<{ number: number }>`
    SELECT number FROM tasks
    WHERE job_id = ${attempt.jobId} AND number = ${attempt.taskNumber} AND ended_at IS NULL
      AND owner_run_id = ${attempt.runId} AND owner_attempt = ${attempt.attempt}
    FOR UPDATE`.execute(transaction);
  return rows.length > 0;
}

/** Whether an attempt still owns its task and its job was not given up, asked without holding either. */
export async function isTaskOwner(db: Db, attempt: TaskAttempt): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM tasks
    WHERE job_id = ${attempt.jobId} AND number = ${attempt.taskNumber} AND ended_at IS NULL
      AND owner_run_id = ${attempt.runId} AND owner_attempt = ${attempt.attempt}
      AND EXISTS (SELECT FROM jobs WHERE id = job_id AND queue_state <> ${JOB_STATES.broken})`.execute(
    db,
  );
  return rows.length > 0;
}

/** How many failures of the work itself a task has had; a lost worker is none. */
export async function getTaskFailures(db: Db, attempt: TaskAttempt): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    SELECT failures FROM tasks
    WHERE job_id = ${attempt.jobId} AND number = ${attempt.taskNumber}`.execute(db);
  return rows[0]?.failures ?? 0;
}

/** Counts a failure of the work itself against `retry_limit`; returns how many there were. */
export async function countTaskFailure(db: Db, attempt: TaskAttempt): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    UPDATE tasks SET failures = failures + 1
    WHERE job_id = ${attempt.jobId} AND number = ${attempt.taskNumber}
    RETURNING failures`.execute(db);
  return rows[0]?.failures ?? 1;
}

/** A task that has started and not ended. */
export interface OpenTask {
  readonly taskNumber: number;
  readonly name: string;
}

/** The tasks of a job that have started and not ended, in their order. */
export async function listOpenTasks(db: Db, jobId: number): Promise<readonly OpenTask[]> {
  const { rows } = await sql<{ number: number; name: string }>`
    SELECT number, name FROM tasks WHERE job_id = ${jobId} AND ended_at IS NULL ORDER BY number`.execute(
    db,
  );
  return rows.map((row) => ({ taskNumber: row.number, name: row.name }));
}
