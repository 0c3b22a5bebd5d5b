import { type RawBuilder, sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import type { Db } from './db.ts';
import type { JobSummary } from './jobs.ts';

/**
 * SQL: how many of a tenant's queued jobs meet a condition. Conditions compare one column each: comparing
 * (priority, id) as a row makes Postgres look at each entry of the index, five times as dear.
 */
export const countQueued = (tenantId: number, condition: RawBuilder<unknown>) => sql`
  (SELECT count(*) FROM jobs
   WHERE tenant_id = ${tenantId} AND queue_state = ${sql.lit(JOB_STATES.queued)} AND ${condition})`;

/**
 * Where a job stands among its tenant's queued ones: 1 for the next to start, null for a job that is
 * not queued. Jobs start by priority, then in order of submission.
 */
export async function getQueuePosition(db: Db, job: JobSummary): Promise<number | null> {
  if (job.state !== 'queued') return null;
  const { rows } = await sql<{ ahead: number }>`
    SELECT ${countQueued(job.tenantId, sql`priority < ${job.priority}`)}
         + ${countQueued(job.tenantId, sql`priority = ${job.priority} AND id < ${job.id}`)} AS ahead`.execute(
    db,
  );
  return (rows[0]?.ahead ?? 0) + 1;
}
