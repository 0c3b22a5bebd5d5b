import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import type { Db } from './db.ts';
import type { JobSummary } from './jobs.ts';

/**
 * Where a job stands among its tenant's queued ones: 1 for the next to start, null for a job that is
 * not queued. Jobs start by priority, then in order of submission.
 */
export async function getQueuePosition(db: Db, job: JobSummary): Promise<number | null> {
  if (job.state !== 'queued') return null;
  const { rows } = await sql<{ ahead: number }>`
    SELECT count(*) AS ahead FROM jobs
    WHERE tenant_id = ${job.tenantId} AND queue_state = ${JOB_STATES.queued}
      AND (priority, id) < (${job.priority}, ${job.id})`.execute(db);
  return (rows[0]?.ahead ?? 0) + 1;
}

/** The same for many jobs of one tenant, in one pass over its queue: job id → place. */
export async function getQueuePositions(
  db: Db,
  tenantId: number,
  jobs: readonly JobSummary[],
): Promise<ReadonlyMap<number, number>> {
  const queued = jobs.filter((job) => job.state === 'queued').map((job) => job.id);
  if (queued.length === 0) return new Map();
  const { rows } = await sql<{ id: number; position: number }>`
    SELECT id, position FROM (
      SELECT id, row_number() OVER (ORDER BY priority, id) AS position FROM jobs
      WHERE tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.queued}
    ) AS queue
    WHERE id = ANY (${queued}::bigint[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row.position]));
}
