import { sql } from 'kysely';
import { type FolderClaims, mergeClaims } from '../domain/folder-claims.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import type { QueuedJob } from '../domain/pick-jobs.ts';
import type { Db } from './db.ts';
import { CLAIM_COLUMNS, type ClaimRow, claimsFromRow, clashesWith } from './folder-claims.ts';
import { CHANNELS } from './listen.ts';

type QueuedRow = ClaimRow & { id: number; priority: number; has_run: boolean };

/** The next queued jobs of a tenant in their order. */
export async function listQueued(
  transaction: Db,
  tenantId: number,
  wanted: {
    readonly limit: number;
    /** Only jobs after this one. */
    readonly behind?: QueuedJob;
    /** Only jobs that clash with none of these. */
    readonly without?: readonly FolderClaims[];
    /** Only jobs with this priority number at most. */
    readonly mostPriority?: number;
  },
): Promise<readonly QueuedJob[]> {
  const { behind, without = [], mostPriority } = wanted;
  const conditions = [sql`tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.queued}`];
  if (mostPriority !== undefined) conditions.push(sql`priority <= ${mostPriority}`);
  if (behind !== undefined) {
    conditions.push(sql`(priority, id) > (${behind.priority}, ${behind.id})`);
  }
  // all that clear as one and all others as one: two calls for each job, however many hold folders
  for (const clears of [false, true]) {
    const some = without.filter((claims) => claims.clears === clears);
    if (some.length === 0) continue;
    conditions.push(sql`(started_at IS NOT NULL OR NOT ${clashesWith('jobs', mergeClaims(some))})`);
  }
  const { rows } = await sql<QueuedRow>`
    SELECT id, priority, started_at IS NOT NULL AS has_run, ${CLAIM_COLUMNS} FROM jobs
    WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY priority, id LIMIT ${wanted.limit}`.execute(transaction);
  return rows.map((row) => ({
    id: row.id,
    priority: row.priority,
    hasRun: row.has_run,
    claims: claimsFromRow(row),
  }));
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
