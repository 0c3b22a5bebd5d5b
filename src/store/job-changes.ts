import { sql } from 'kysely';
import { applyChange, type ChangeableJob, type JobChange } from '../domain/job-change.ts';
import { JOB_STATES, type JobState, jobStateName } from '../domain/job-state.ts';
import { admitInTransaction } from './admission.ts';
import { type Db, inTransaction } from './db.ts';
import { finishInTransaction, GIVEN_UP } from './finish.ts';
import { insertLog } from './logs.ts';
import { insertOutbox, takeBackStart } from './outbox.ts';
import { lockTenant, lockTenantOfJob } from './tenant-lock.ts';

interface ChangeableRow {
  now: Date;
  queue_state: number;
  has_ended: boolean;
  has_run: boolean;
  is_leaving: boolean;
  run_at: Date | null;
  priority: number;
  semaphore_url: string | null;
  persist: boolean;
}

const fromRow = (row: ChangeableRow): ChangeableJob => ({
  state: jobStateName(row.queue_state),
  hasEnded: row.has_ended,
  hasRun: row.has_run,
  isLeaving: row.is_leaving,
  runAt: row.run_at,
  priority: row.priority,
  semaphoreUrl: row.semaphore_url,
  isPersistent: row.persist,
});

async function lockJob(
  transaction: Db,
  tenantId: number,
  jobId: number,
): Promise<ChangeableRow | undefined> {
  const { rows } = await sql<ChangeableRow>`
    SELECT clock_timestamp() AS now, queue_state, ended_at IS NOT NULL AS has_ended,
           started_at IS NOT NULL AS has_run, is_leaving, run_at, priority, semaphore_url, persist
    FROM jobs WHERE id = ${jobId} AND tenant_id = ${tenantId} FOR UPDATE`.execute(transaction);
  return rows[0];
}

/** Writes a changed job; the scheduler looks at it at its next tick. */
async function updateJob(transaction: Db, jobId: number, job: ChangeableJob): Promise<void> {
  await sql`
    UPDATE jobs SET queue_state = ${JOB_STATES[job.state]}, is_leaving = ${job.isLeaving},
      run_at = ${job.runAt}, priority = ${job.priority}, semaphore_url = ${job.semaphoreUrl},
      persist = ${job.isPersistent}, poll_at = NULL, updated_at = clock_timestamp()
    WHERE id = ${jobId}`.execute(transaction);
}

/**
 * Changes a job of a tenant in one transaction and returns the state it has then; undefined where the
 * tenant has no such job. A job that never ran ends at once when it is given up, with its job end; one
 * that runs is told to stop and ends with its execution. `note` goes to the job's log. Throws an
 * ImpossibleChangeError.
 */
export async function changeJob(
  db: Db,
  job: { readonly tenantId: number; readonly jobId: number },
  change: JobChange,
  note: (state: JobState) => string,
): Promise<JobState | undefined> {
  const { tenantId, jobId } = job;
  return inTransaction(db, async (transaction) => {
    // before the job's row, as admission takes them: the other order could meet it half way
    await lockTenant(transaction, tenantId);
    const row = await lockJob(transaction, tenantId, jobId);
    if (row === undefined) return undefined;
    const before = fromRow(row);
    const after = applyChange(before, change, row.now);
    await updateJob(transaction, jobId, after);
    await insertLog(transaction, {
      jobId,
      severity: 'INFO',
      progname: 'api',
      message: note(after.state),
    });
    const isGivenUp = after.state === 'broken' && !before.hasEnded && before.state !== 'broken';
    const hasExecution = isGivenUp && after.hasRun && !(await takeBackStart(transaction, jobId));
    if (isGivenUp && !hasExecution) await endGivenUp(transaction, jobId);
    else if (after.tell !== undefined) await insertOutbox(transaction, jobId, after.tell);
    // one that left the queue, or holds its folders without working, makes nobody wait any more
    const states = [before.state, after.state];
    if (states.includes('queued') || states.includes('paused')) {
      await admitInTransaction(transaction, tenantId);
    }
    return after.state;
  });
}

/** Ends a job that was given up and has no execution that would. */
async function endGivenUp(transaction: Db, jobId: number): Promise<void> {
  await finishInTransaction(transaction, {
    jobId,
    isFailed: true,
    reason: GIVEN_UP,
    timeMs: Date.now(),
    events: [],
  });
}

/**
 * Gives away the slot of a paused job none of whose tasks runs any more. A job that was put back
 * meanwhile, or still works, keeps it.
 */
export async function haltPausedJob(db: Db, jobId: number): Promise<void> {
  await inTransaction(db, async (transaction) => {
    await lockTenantOfJob(transaction, jobId);
    const { rows } = await sql<{ tenant_id: number }>`
      UPDATE jobs SET is_leaving = false, updated_at = clock_timestamp()
      WHERE id = ${jobId} AND queue_state = ${JOB_STATES.paused} AND is_leaving
        AND NOT EXISTS (SELECT FROM tasks WHERE job_id = ${jobId} AND ended_at IS NULL)
      RETURNING tenant_id`.execute(transaction);
    if (rows[0] === undefined) return;
    await insertLog(transaction, {
      jobId,
      severity: 'INFO',
      progname: 'controller',
      message: 'Paused: its next task waits until the job is put back, its slot is free',
    });
    await admitInTransaction(transaction, rows[0].tenant_id);
  });
}
