import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import { settingsFrom } from '../domain/settings.ts';
import { freeSlots } from '../domain/slots.ts';
import { CHANNELS } from './listen.ts';
import { type Db, inTransaction } from './db.ts';

/**
 * Gives a tenant's free slots to its next jobs and returns their ids. Safe to call at any time and
 * any number of times at once: the tenant's row is the lock, and running jobs are counted from their
 * rows, so nothing can drift. Jobs go by priority number, then in order of submission.
 */
export async function admitJobs(db: Db, tenantId: number): Promise<readonly number[]> {
  return inTransaction(db, (transaction) => admitInTransaction(transaction, tenantId));
}

/** {@link admitJobs} inside a transaction that has freed a slot. */
export async function admitInTransaction(
  transaction: Db,
  tenantId: number,
): Promise<readonly number[]> {
  // NO KEY UPDATE: inserts of jobs hold a KEY SHARE lock on this row and need not wait
  const { rows: known } = await sql<{ settings: Record<string, string> | null }>`
    SELECT (SELECT json_object_agg(name, setting) FROM settings WHERE tenant_id = tenants.id) AS settings
    FROM tenants WHERE id = ${tenantId} FOR NO KEY UPDATE`.execute(transaction);
  if (known[0] === undefined) return [];
  const settings = settingsFrom(known[0].settings ?? {});
  const { rows: use } = await sql<{ started: number; ordinary: number }>`
    SELECT count(*) AS started, count(*) FILTER (WHERE priority > ${settings.priorityThreshold}) AS ordinary
    FROM jobs WHERE tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.started}`.execute(
    transaction,
  );
  const free = freeSlots(settings, {
    started: use[0]?.started ?? 0,
    startedOrdinary: use[0]?.ordinary ?? 0,
  });
  if (free.any === 0) return [];
  const { rows } = await sql<{ id: number }>`
    WITH next AS (
      SELECT id, priority FROM jobs
      WHERE tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.queued}
      ORDER BY priority, id LIMIT ${free.any}
    ), ranked AS (
      SELECT id, priority,
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
      INSERT INTO outbox (job_id, kind) SELECT id, 'start' FROM admitted ORDER BY priority, id
    )
    SELECT id FROM admitted ORDER BY priority, id`.execute(transaction);
  if (rows.length > 0) await sql`SELECT pg_notify(${CHANNELS.outbox}, '')`.execute(transaction);
  return rows.map((row) => row.id);
}
