import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import type { Db } from './db.ts';

/**
 * Given up ones too: an execution that is terminated while it is being cancelled never says that it ended.
 * The condition of the index `jobs_executions`, word for word.
 */
const OPEN_EXECUTION = sql.raw(
  `(queue_state IN (${JOB_STATES.started}, ${JOB_STATES.broken}, ${JOB_STATES.paused}) OR is_leaving)
   AND dispatched_at IS NOT NULL AND ended_at IS NULL`,
);

/** Jobs whose execution should be there, running, halted or stopping, oldest first, after `afterId`. */
export async function listDispatchedJobs(
  db: Db,
  afterId: number,
  limit: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM jobs
    WHERE ${OPEN_EXECUTION} AND id > ${afterId} AND dispatched_at < now() - interval '10 seconds'
    ORDER BY id LIMIT ${limit}`.execute(db);
  return rows.map((row) => row.id);
}

/** Puts a job whose execution Temporal does not know into the outbox again. */
export async function requeueStart(db: Db, jobId: number): Promise<void> {
  await sql`
    WITH job AS (
      UPDATE jobs SET dispatched_at = NULL
      WHERE id = ${jobId} AND queue_state = ${JOB_STATES.started} AND ended_at IS NULL
      RETURNING id
    )
    INSERT INTO outbox (job_id, kind) SELECT id, 'start' FROM job
    WHERE NOT EXISTS (SELECT FROM outbox WHERE job_id = ${jobId} AND kind = 'start')`.execute(db);
}

/** Tenants with a job that waits for a slot. */
export async function listWaitingTenants(db: Db): Promise<readonly number[]> {
  const { rows } = await sql<{ tenant_id: number }>`
    SELECT DISTINCT tenant_id FROM jobs WHERE queue_state = ${JOB_STATES.queued}`.execute(db);
  return rows.map((row) => row.tenant_id);
}
