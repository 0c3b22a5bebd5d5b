import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import { settingsFrom } from '../domain/settings.ts';
import { freeSlots } from '../domain/slots.ts';
import { CHANNELS } from './listen.ts';
import { type Db, inTransaction } from './db.ts';
import { settingsOf } from './settings.ts';

/**
 * The jobs that hold a slot: those that run, and those that were paused or given up while they ran and
 * whose workflow has not stopped yet. The condition of the index `jobs_slots`, word for word.
 */
export const HOLDS_SLOT = sql.raw(
  `(queue_state = ${JOB_STATES.started} OR is_leaving) AND ended_at IS NULL`,
);

/**
 * Gives a tenant's free slots to its next jobs and returns their ids. Safe to call at any time and
 * any number of times at once: the tenant's row is the lock, and running jobs are counted from their
 * rows, so nothing can drift. Jobs go by priority number, then in order of submission. Those of a
 * disabled tenant wait until it is enabled.
 */
export async function admitJobs(db: Db, tenantId: number): Promise<readonly number[]> {
  return inTransaction(db, (transaction) => admitInTransaction(transaction, tenantId));
}

/** {@link admitJobs} inside a transaction that has freed a slot. */
export async function admitInTransaction(
  transaction: Db,
  tenantId: number,
): Promise<readonly number[]> {
  const { rows: known } = await sql`
    SELECT 1 AS one FROM tenants WHERE id = ${tenantId} AND disabled_at IS NULL
    FOR NO KEY UPDATE`.execute(transaction); // lets the KEY SHARE lock of inserts of jobs through
  if (known[0] === undefined) return [];
  // a statement of its own: the one that waited for the lock sees what was there before it waited
  const { rows: state } = await sql<{ settings: Record<string, string>; held: number[] }>`
    SELECT ${settingsOf(sql`${tenantId}::integer`)} AS settings,
           ARRAY(SELECT priority FROM jobs WHERE tenant_id = ${tenantId} AND ${HOLDS_SLOT}) AS held`.execute(
    transaction,
  );
  const held = state[0]?.held ?? [];
  const settings = settingsFrom(state[0]?.settings ?? {});
  const free = freeSlots(settings, {
    started: held.length,
    startedOrdinary: held.filter((priority) => priority > settings.priorityThreshold).length,
  });
  if (free.any === 0) return [];
  const { rows } = await sql<{ id: number }>`
    WITH next AS (
      SELECT id, priority, started_at IS NOT NULL AS has_run FROM jobs
      WHERE tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.queued}
      ORDER BY priority, id LIMIT ${free.any}
    ), ranked AS (
      SELECT id, has_run, priority,
             count(*) FILTER (WHERE priority > ${settings.priorityThreshold})
               OVER (ORDER BY priority, id) AS ordinary
      FROM next
    ), admitted AS (
      UPDATE jobs SET queue_state = ${JOB_STATES.started}, updated_at = clock_timestamp(),
                      started_at = coalesce(started_at, clock_timestamp())
      WHERE queue_state = ${JOB_STATES.queued} AND id IN (
        SELECT id FROM ranked
        WHERE priority <= ${settings.priorityThreshold} OR ordinary <= ${free.ordinary})
      RETURNING id, priority
    ), told AS (
      INSERT INTO outbox (job_id, kind)
      SELECT id, CASE WHEN has_run THEN 'resume' ELSE 'start' END
      FROM admitted JOIN ranked USING (id) ORDER BY admitted.priority, id
    )
    SELECT id FROM admitted ORDER BY priority, id`.execute(transaction);
  if (rows.length > 0) await sql`SELECT pg_notify(${CHANNELS.outbox}, '')`.execute(transaction);
  return rows.map((row) => row.id);
}
