import { sql } from 'kysely';
import type { Db } from './db.ts';

/**
 * Deletes up to `limit` jobs that ended more than `retentionDays` ago, with their tasks, logs, events and
 * deliveries, and returns how many. Kept are jobs with `persist` and those that still have a callback to
 * send. Several callers at once take different jobs.
 */
export async function deleteOldJobs(
  db: Db,
  options: { readonly retentionDays: number; readonly limit: number },
): Promise<number> {
  const { rows } = await sql<{ jobs: number }>`
    WITH old AS (
      SELECT id FROM jobs
      WHERE ended_at < now() - make_interval(secs => ${options.retentionDays * 86_400})
        AND ended_at IS NOT NULL AND NOT persist AND NOT is_leaving
        AND NOT EXISTS (
          SELECT FROM streams JOIN deliveries ON stream_id = streams.id
          WHERE streams.job_id = jobs.id AND state = 'pending')
      ORDER BY ended_at LIMIT ${options.limit}
      FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM jobs WHERE id IN (SELECT id FROM old) RETURNING id
    )
    SELECT count(*) AS jobs FROM gone`.execute(db);
  return rows[0]?.jobs ?? 0;
}
