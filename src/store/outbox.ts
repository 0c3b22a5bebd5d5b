import { sql } from 'kysely';
import { type Db, executePrepared } from './db.ts';
import { CHANNELS } from './listen.ts';

/**
 * What Temporal is told about a job: `start` its execution, `resume` one that was paused, `cancel` one
 * that was given up.
 */
export type OutboxKind = 'start' | 'resume' | 'cancel';

/** Something Temporal is still to be told about a job. */
export interface OutboxEntry {
  readonly id: number;
  readonly jobId: number;
  readonly kind: OutboxKind;
  /** Tries so far, this one included. */
  readonly attempts: number;
}

/** How long a dispatcher may take over an entry before another one takes it, seconds. */
const CLAIM_SECONDS = 6;

/**
 * Takes up to `limit` due entries. They become due again after a while, so that what a dispatcher
 * took and died with is not lost; telling Temporal twice does nothing.
 */
export async function claimOutbox(db: Db, limit: number): Promise<readonly OutboxEntry[]> {
  const { rows } = await executePrepared(
    db,
    'claim_outbox',
    sql<{ id: number; job_id: number; kind: OutboxKind; attempts: number }>`
    UPDATE outbox SET due_at = now() + make_interval(secs => ${CLAIM_SECONDS}), attempts = attempts + 1
    WHERE id IN (SELECT id FROM outbox WHERE due_at <= now() ORDER BY due_at, id LIMIT ${limit}
                 FOR UPDATE SKIP LOCKED)
    RETURNING id, job_id, kind, attempts`,
  );
  return rows
    .map((row) => ({ id: row.id, jobId: row.job_id, kind: row.kind, attempts: row.attempts }))
    .sort((a, b) => a.id - b.id);
}

/** Temporal has it: the entry goes, and the job is known to have its execution. */
export async function settleOutbox(db: Db, entry: OutboxEntry): Promise<void> {
  await executePrepared(
    db,
    'settle_outbox',
    sql`
    WITH done AS (DELETE FROM outbox WHERE id = ${entry.id})
    UPDATE jobs SET dispatched_at = coalesce(dispatched_at, now()) WHERE id = ${entry.jobId}`,
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

/** Adds something Temporal is to be told, inside the transaction that decided it. */
export async function insertOutbox(
  transaction: Db,
  jobId: number,
  kind: OutboxKind,
): Promise<void> {
  await sql`
    WITH told AS (SELECT pg_notify(${CHANNELS.outbox}, ''))
    INSERT INTO outbox (job_id, kind) SELECT ${jobId}, ${kind} FROM told`.execute(transaction);
}

/** Whether an entry of a kind waits for a job. */
export async function hasOutbox(db: Db, jobId: number, kind: OutboxKind): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 AS one FROM outbox WHERE job_id = ${jobId} AND kind = ${kind} LIMIT 1`.execute(db);
  return rows.length > 0;
}

/**
 * Takes back a start that no dispatcher has looked at yet; false where there is none, or where one may
 * be telling Temporal at this moment.
 */
export async function takeBackStart(transaction: Db, jobId: number): Promise<boolean> {
  const { rows } = await sql`
    DELETE FROM outbox WHERE job_id = ${jobId} AND kind = 'start' AND attempts = 0
    RETURNING id`.execute(transaction);
  return rows.length > 0;
}
