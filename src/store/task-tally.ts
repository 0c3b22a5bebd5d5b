import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import type { Db } from './db.ts';

/** Tasks of a tenant's jobs. */
export interface TaskCounts {
  /** Ended with a failure, since the engine was set up. */
  readonly failed: number;
  /** Begun and not ended: they run, or wait for a worker. */
  readonly pending: number;
  /** Ended, whichever way, since the engine was set up. Clearing jobs takes nothing away. */
  readonly processed: number;
}

/** Counts a tenant's tasks: what has ended from the ledger, what has not from the jobs that run. */
export async function countTasks(db: Db, tenantId: number): Promise<TaskCounts> {
  const { rows } = await sql<TaskCounts>`
    SELECT coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(processed), 0)::bigint AS processed,
           (SELECT count(*) FROM jobs JOIN tasks ON job_id = jobs.id AND tasks.ended_at IS NULL
            WHERE tenant_id = ${tenantId} AND jobs.ended_at IS NULL
              AND (queue_state = ${JOB_STATES.started} OR is_leaving)) AS pending
    FROM task_tally WHERE tenant_id = ${tenantId}`.execute(db);
  return rows[0] ?? { failed: 0, pending: 0, processed: 0 };
}

/** Folds each tenant's rows of the ledger into one. What another process folds meanwhile is left to it. */
export async function foldTaskTally(db: Db): Promise<void> {
  await sql`
    WITH taken AS (
      DELETE FROM task_tally WHERE ctid IN (SELECT ctid FROM task_tally FOR UPDATE SKIP LOCKED)
      RETURNING tenant_id, processed, failed
    )
    INSERT INTO task_tally (tenant_id, processed, failed)
    SELECT tenant_id, sum(processed), sum(failed) FROM taken GROUP BY tenant_id`.execute(db);
}
