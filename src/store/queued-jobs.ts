import { sql } from 'kysely';
import { mergeClaims } from '../domain/folder-claims.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import type { QueuedJob } from '../domain/pick-jobs.ts';
import type { Db } from './db.ts';
import { CLAIM_COLUMNS, type ClaimRow, claimsFromRow, clashesWith } from './folder-claims.ts';
import { CHANNELS } from './listen.ts';

/** Queued, and never started: put back ones hold their folders. */
const UNSTARTED = sql.raw(`queue_state = ${JOB_STATES.queued} AND started_at IS NULL`);

type QueuedRow = ClaimRow & { id: number; priority: number; has_run: boolean };

const QUEUED_COLUMNS = sql`id, priority, started_at IS NOT NULL AS has_run, ${CLAIM_COLUMNS}`;

const fromRow = (row: QueuedRow): QueuedJob => ({
  id: row.id,
  priority: row.priority,
  hasRun: row.has_run,
  claims: claimsFromRow(row),
});

/**
 * The next queued jobs of a tenant in their order. Some of those that write nothing but folders which are
 * `taken`, by jobs that hold them, are left out: where no job of the queue clears, they wait, and whoever
 * would wait for them waits for the holders, too.
 */
export async function listQueued(
  transaction: Db,
  tenantId: number,
  wanted: {
    readonly limit: number;
    /** Only jobs after this one. */
    readonly behind: QueuedJob | undefined;
    readonly taken: readonly string[];
  },
): Promise<readonly QueuedJob[]> {
  const { behind, taken } = wanted;
  const queued = sql`tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.queued}`;
  const conditions = [queued];
  if (behind !== undefined) {
    conditions.push(sql`(priority, id) > (${behind.priority}, ${behind.id})`);
  }
  if (taken.length > 0) {
    conditions.push(sql`NOT (
      writes_to <@ ${taken}::text[] AND writes_to <> '{}' AND started_at IS NULL
      AND NOT EXISTS (SELECT FROM jobs WHERE ${queued} AND clears))`);
  }
  const { rows } = await sql<QueuedRow>`
    SELECT ${QUEUED_COLUMNS} FROM jobs WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY priority, id LIMIT ${wanted.limit}`.execute(transaction);
  return rows.map(fromRow);
}

/** Of these jobs of a tenant those that are queued and were never started. */
export async function listUnstarted(
  db: Db,
  tenantId: number,
  ids: readonly number[],
): Promise<readonly QueuedJob[]> {
  const { rows } = await sql<QueuedRow>`
    SELECT ${QUEUED_COLUMNS} FROM jobs
    WHERE id = ANY(${ids}::bigint[]) AND tenant_id = ${tenantId} AND ${UNSTARTED}
    ORDER BY priority, id`.execute(db);
  return rows.map(fromRow);
}

/** Jobs given in their order, and those ahead of the last one that clash with one of them. */
export async function listAhead(
  db: Db,
  tenantId: number,
  jobs: readonly QueuedJob[],
): Promise<readonly QueuedJob[]> {
  const last = jobs.at(-1);
  if (last === undefined) return [];
  // all that clear as one and all others as one: two comparisons for each row, however many are asked for
  const groups = [true, false]
    .map((clears) => jobs.map(({ claims }) => claims).filter((one) => one.clears === clears))
    .filter((group) => group.length > 0);
  const clash = groups.map((group) => clashesWith('jobs', mergeClaims(group)));
  const { rows } = await sql<QueuedRow>`
    SELECT ${QUEUED_COLUMNS} FROM jobs
    WHERE tenant_id = ${tenantId} AND ${UNSTARTED} AND (priority, id) <= (${last.priority}, ${last.id})
      AND (id = ANY(${jobs.map(({ id }) => id)}::bigint[]) OR ${sql.join(clash, sql` OR `)})
    ORDER BY priority, id`.execute(db);
  return rows.map(fromRow);
}

/** Marks queued jobs as started, has Temporal told in the order given, and returns their ids. */
export async function startJobs(
  transaction: Db,
  jobs: readonly QueuedJob[],
): Promise<readonly number[]> {
  if (jobs.length === 0) return [];
  const { rows } = await sql<{ id: number }>`
    WITH job AS MATERIALIZED (
      SELECT * FROM unnest(${jobs.map((job) => job.id)}::bigint[],
                           ${jobs.map((job) => job.hasRun)}::boolean[])
        WITH ORDINALITY AS given (id, has_run, ord)
    ), admitted AS (
      UPDATE jobs SET queue_state = ${JOB_STATES.started}, updated_at = clock_timestamp(),
                      started_at = coalesce(started_at, clock_timestamp())
      FROM job WHERE jobs.id = job.id AND queue_state = ${JOB_STATES.queued}
      RETURNING jobs.id, has_run, ord
    ), told AS (
      INSERT INTO outbox (job_id, kind)
      SELECT id, CASE WHEN has_run THEN 'resume' ELSE 'start' END FROM admitted ORDER BY ord
    )
    SELECT id, pg_notify(${CHANNELS.outbox}, '') FROM admitted ORDER BY ord`.execute(transaction);
  return rows.map((row) => row.id);
}
