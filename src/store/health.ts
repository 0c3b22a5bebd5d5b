import { sql } from 'kysely';
import { JOB_STATES, type JobState } from '../domain/job-state.ts';
import type { Db } from './db.ts';

/** A tenant's jobs by state. */
export interface JobCounts extends Readonly<Record<JobState, number>> {
  /** Those with the flag `failed`, which are completed or broken as well. */
  readonly failed: number;
}

/** Whether Postgres takes no writes: a standby, or one that was set so. */
export async function isReadOnly(db: Db): Promise<boolean> {
  const { rows } = await sql<{ setting: string }>`
    SELECT current_setting('transaction_read_only') AS setting`.execute(db);
  return rows[0]?.setting === 'on';
}

/** Counts a tenant's jobs from an index alone (`jobs_list_id`). */
export async function countJobs(db: Db, tenantId: number): Promise<JobCounts> {
  const { rows } = await sql<{ queue_state: number; failed: boolean; count: number }>`
    SELECT queue_state, failed, count(*) FROM jobs WHERE tenant_id = ${tenantId}
    GROUP BY queue_state, failed`.execute(db);
  const count = (isCounted: (row: (typeof rows)[number]) => boolean): number =>
    rows.filter(isCounted).reduce((sum, row) => sum + row.count, 0);
  const states = Object.entries(JOB_STATES).map(
    ([name, number]) => [name, count((row) => row.queue_state === number)] as const,
  );
  return {
    ...(Object.fromEntries(states) as Readonly<Record<JobState, number>>),
    failed: count((row) => row.failed),
  };
}
