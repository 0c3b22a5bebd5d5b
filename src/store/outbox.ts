import { sql } from 'kysely';
import type { Db } from './db.ts';

/** Something Temporal is still to be told about a job. */
export interface OutboxEntry {
  readonly id: number;
  readonly jobId: number;
  readonly kind: 'start';
  /** Tries so far, this one included. */
  readonly attempts: number;
}

/** How long a dispatcher may take over an entry before another one takes it, seconds. */
const CLAIM_SECONDS = 20;

/**
 * Takes up to `limit` due entries. They become due again after a while, so that what a dispatcher
 * took and died with is not lost; telling Temporal twice does nothing.
 */
export async function claimOutbox(db: Db, limit: number): Promise<readonly OutboxEntry[]> {
  const { rows } = await sql<{ id: number; job_id: number; kind: 'start'; attempts: number }>`
    UPDATE outbox SET due_at = now() + make_interval(secs => ${CLAIM_SECONDS}), attempts = attempts + 1
    WHERE id IN (SELECT id FROM outbox WHERE due_at <= now() ORDER BY due_at, id LIMIT ${limit}
                 FOR UPDATE SKIP LOCKED)
    RETURNING id, job_id, kind, attempts`.execute(db);
  return rows
    .map((row) => ({ id: row.id, jobId: row.job_id, kind: row.kind, attempts: row.attempts }))
    .sort((a, b) => a.id - b.id);
}

/** Temporal has it: the entry goes, and the job is known to have its execution. */
export async function settleOutbox(db: Db, entry: OutboxEntry): Promise<void> {
  await sql`
    WITH done AS (DELETE FROM outbox WHERE id = ${entry.id})
    UPDATE jobs SET dispatched_at = coalesce(dispatched_at, now()) WHERE id = ${entry.jobId}`.execute(
    db,
  );
}

/** Temporal could not be told: the entry is due again after `delaySeconds`. */
export async function postponeOutbox(
  db: Db,
  entry: OutboxEntry,
  reason: string,
  delaySeconds: number,
): Promise<void> {
  await sql`
    UPDATE outbox SET due_at = now() + make_interval(secs => ${delaySeconds}), last_error = ${reason}
    WHERE id = ${entry.id}`.execute(db);
}
