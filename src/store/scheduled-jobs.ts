import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import type { Db } from './db.ts';
import { SEVERITIES } from '../domain/severity.ts';

const INFO = SEVERITIES.indexOf('INFO');

/**
 * Queues scheduled jobs without a semaphore whose time has come by Postgres' clock, `limit` at most, and
 * returns the tenant of each. Any number may run at once: each takes rows that no other one has.
 */
export async function queueDueJobs(db: Db, limit: number): Promise<readonly number[]> {
  const { rows } = await sql<{ tenant_id: number }>`
    WITH due AS (
      SELECT id FROM jobs
      WHERE queue_state = ${JOB_STATES.scheduled} AND semaphore_url IS NULL
        AND coalesce(run_at, '-infinity') <= now()
      ORDER BY coalesce(run_at, '-infinity') LIMIT ${limit}
      FOR UPDATE SKIP LOCKED
    ), queued AS (
      UPDATE jobs SET queue_state = ${JOB_STATES.queued}, updated_at = clock_timestamp()
      WHERE id IN (SELECT id FROM due)
      RETURNING id, tenant_id
    ), told AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT id, ${INFO}::smallint, 'scheduler', 'Its time has come: queued' FROM queued ORDER BY id
    )
    SELECT tenant_id FROM queued`.execute(db);
  return rows.map((row) => row.tenant_id);
}

/** Whether a scheduled job has to be looked at within so many seconds. */
export async function isLookDue(db: Db, withinSeconds: number): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    SELECT EXISTS (
      SELECT FROM jobs
      WHERE queue_state = ${JOB_STATES.scheduled} AND semaphore_url IS NULL
        AND coalesce(run_at, '-infinity') <= now() + make_interval(secs => ${withinSeconds})
    ) OR EXISTS (
      SELECT FROM jobs JOIN tenants ON tenants.id = tenant_id
      WHERE queue_state = ${JOB_STATES.scheduled} AND semaphore_url IS NOT NULL AND disabled_at IS NULL
        AND coalesce(greatest(poll_at, run_at), '-infinity')
            <= now() + make_interval(secs => ${withinSeconds})
    ) AS found`.execute(db);
  return rows[0]?.found === true;
}
