import { sql } from 'kysely';
import { JOB_STATES, type JobState } from '../domain/job-state.ts';
import type { Db } from './db.ts';

/** A tenant's jobs by state. */
export interface JobCounts extends Readonly<Record<JobState, number>> {
  /** Those with the flag `failed`, which are completed or broken as well. */
  readonly failed: number;
}

/** Counts a tenant's jobs, each state from the index alone. */
export async function countJobs(db: Db, tenantId: number): Promise<JobCounts> {
  const { rows } = await sql<{ queue_state: number | null; count: number }>`
    SELECT queue_state, count(*) FROM jobs WHERE tenant_id = ${tenantId} GROUP BY queue_state
    UNION ALL
    SELECT NULL, count(*) FROM jobs WHERE tenant_id = ${tenantId} AND failed`.execute(db);
  const counts = new Map(rows.map((row) => [row.queue_state, row.count]));
  const states = Object.entries(JOB_STATES).map(
    ([name, number]) => [name, counts.get(number) ?? 0] as const,
  );
  return {
    ...(Object.fromEntries(states) as Readonly<Record<JobState, number>>),
    failed: counts.get(null) ?? 0,
  };
}
