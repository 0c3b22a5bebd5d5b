import { type RawBuilder, sql } from 'kysely';
import { JOB_STATES } from '../../domain/job-state.ts';
import type { Db } from '../db.ts';
import { type JobSummary, SUMMARY_COLUMNS, summaryFromRow } from '../jobs.ts';
import type { JobFilter } from './filter.ts';
import { merged } from './walk.ts';

/** A job of a listing with its place in the queue. */
export interface ListedJob extends JobSummary {
  /** 1 for the next to start, null for a job that is not queued. */
  readonly position: number | null;
}

/**
 * Fetches the jobs of a page, rows (rank, key, id), with their places in the queue as of the same moment.
 * The places cost one pass over the part of the queue's index up to the last listed job.
 */
export async function fetchPage(
  db: Db,
  filter: JobFilter,
  page: RawBuilder<unknown>,
): Promise<readonly ListedJob[]> {
  const { rows } = await sql<Parameters<typeof summaryFromRow>[0] & { position: number | null }>`
    WITH page AS MATERIALIZED (${page}), waiting AS (
      SELECT jobs.id, priority, lag(priority, 1, -1::smallint) OVER queue AS priority_before,
             lag(jobs.id, 1, 0::bigint) OVER queue AS id_before
      FROM page JOIN jobs ON jobs.id = page.id WHERE queue_state = ${JOB_STATES.queued}
      WINDOW queue AS (ORDER BY priority, jobs.id)
    ), place AS (
      SELECT waiting.id, 1 + sum(ahead) OVER (ORDER BY priority, waiting.id) AS position
      FROM waiting CROSS JOIN LATERAL (
        SELECT count(*) AS ahead FROM jobs
        WHERE tenant_id = ${filter.tenantId} AND queue_state = ${JOB_STATES.queued}
          AND (priority, id) >= (waiting.priority_before, waiting.id_before)
          AND (priority, id) < (waiting.priority, waiting.id)) AS gap
    )
    SELECT ${SUMMARY_COLUMNS}, place.position::int AS position
    FROM page JOIN jobs ON jobs.id = page.id JOIN tenants ON tenants.id = jobs.tenant_id
    LEFT JOIN place ON place.id = page.id
    ORDER BY ${merged(filter)}`.execute(db);
  return rows.map((row) => ({ ...summaryFromRow(row), position: row.position }));
}
