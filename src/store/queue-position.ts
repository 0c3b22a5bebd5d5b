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
