import { type RawBuilder, sql } from 'kysely';
import { JOB_STATES } from '../../domain/job-state.ts';
import type { Db } from '../db.ts';
import { type JobSummary, SUMMARY_COLUMNS, summaryFromRow } from '../jobs.ts';
import { countQueued } from '../queue-position.ts';
import type { JobFilter } from './filter.ts';
import { merged } from './walk.ts';

/** A job of a listing with its place in the queue. */
export interface ListedJob extends JobSummary {
  /** 1 for the next to start, null for a job that is not queued. */
  readonly position: number | null;
}

const BIGGEST = Number.MAX_SAFE_INTEGER;

/**
 * Fetches the jobs of a page, rows (rank, key, id), with their places in the queue as of the same moment.
 * The places cost one pass over the part of the queue's index up to the last listed job.
 */
export async function fetchPage(
  db: Db,
  filter: JobFilter,
  page: RawBuilder<unknown>,
): Promise<readonly ListedJob[]> {
  const count = (condition: RawBuilder<unknown>) => countQueued(filter.tenantId, condition);
  // behind the listed job before, to the end of its priority; priorities in between; its own up to the job
  const rest = count(sql`jobs.priority = waiting.priority_before AND jobs.id >= waiting.id_before
    AND jobs.id < CASE waiting.priority WHEN waiting.priority_before THEN waiting.id ELSE ${sql.lit(BIGGEST)} END`);
  const between = count(
    sql`jobs.priority > waiting.priority_before AND jobs.priority < waiting.priority`,
  );
  const own =
    count(sql`jobs.priority = CASE waiting.priority WHEN waiting.priority_before THEN -1 ELSE waiting.priority END
    AND jobs.id < waiting.id`);
  const { rows } = await sql<Parameters<typeof summaryFromRow>[0] & { position: number | null }>`
    WITH page AS MATERIALIZED (${page}), waiting AS (
      SELECT jobs.id, priority, lag(priority, 1, -1::smallint) OVER queue AS priority_before,
             lag(jobs.id, 1, 0::bigint) OVER queue AS id_before
      FROM page JOIN jobs ON jobs.id = page.id WHERE queue_state = ${JOB_STATES.queued}
      WINDOW queue AS (ORDER BY priority, jobs.id)
    ), place AS (
      SELECT id, 1 + sum(${rest} + ${between} + ${own}) OVER (ORDER BY priority, id) AS position
      FROM waiting
    )
    SELECT ${SUMMARY_COLUMNS}, place.position::int AS position
    FROM page JOIN jobs ON jobs.id = page.id JOIN tenants ON tenants.id = jobs.tenant_id
    LEFT JOIN place ON place.id = page.id
    ORDER BY ${merged(filter)}`.execute(db);
  return rows.map((row) => ({ ...summaryFromRow(row), position: row.position }));
}
