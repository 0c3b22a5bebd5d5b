import { sql } from 'kysely';
import type { Db } from '../../src/store/db.ts';

const BATCH = 100;

/**
 * Puts `endpoints` endpoints that are dead or wait, with `deliveries` pending deliveries between them, straight
 * into the tables. At half of them the breaker is open, their probes due within the next ten minutes; the
 * callbacks of the others wait for their next attempt, within a day.
 */
export async function fillBacklog(
  db: Db,
  tenantId: number,
  options: { readonly endpoints: number; readonly deliveries: number },
): Promise<void> {
  // a job's nine callbacks to one URL
  const streams = Math.ceil(options.deliveries / 9 / options.endpoints);
  for (let first = 0; first < options.endpoints; first += BATCH) {
    const count = Math.min(BATCH, options.endpoints - first);
    await sql`
      WITH endpoint AS (
        INSERT INTO endpoints (tenant_id, origin, failures, probe_seconds, closed_until)
        SELECT ${tenantId}, 'http://127.0.0.1:' || (10000 + ${first}::integer + n),
               CASE WHEN n % 2 = 0 THEN 20 ELSE 1 END, CASE WHEN n % 2 = 0 THEN 600 ELSE 0 END,
               CASE WHEN n % 2 = 0 THEN now() + random() * interval '10 min' ELSE '-infinity' END
        FROM generate_series(1, ${count}) n
        RETURNING id, origin, closed_until > now() AS is_closed
      ), job AS (
        INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, search_text)
        SELECT ${tenantId}, 'vodstream', 'movie', 5, 2, '{}', '' FROM generate_series(1, ${count * streams})
        RETURNING id
      ), numbered AS (
        SELECT id, row_number() OVER () - 1 AS n FROM job
      ), place AS (
        SELECT id, origin, is_closed, row_number() OVER () - 1 AS n FROM endpoint
      ), stream AS (
        INSERT INTO streams (job_id, endpoint_id, url, due_at)
        SELECT numbered.id, place.id, origin || '/callback',
               CASE WHEN is_closed THEN now() - interval '1 hour'
                    ELSE now() + interval '20 min' + random() * interval '1 day' END
        FROM numbered JOIN place ON place.n = numbered.n % ${count}
        RETURNING id, job_id
      ), event AS (
        INSERT INTO events (job_id, task_number, is_end, body)
        SELECT job.id, number, is_end, '{"job_id":' || job.id || ',"filler":"' || repeat('x', 200) || '"}'
        FROM job, (SELECT n AS number, e = 1 AS is_end FROM generate_series(1, 4) n, generate_series(0, 1) e
                   UNION ALL SELECT 0, true) AS kind
        RETURNING id, job_id
      )
      INSERT INTO deliveries (stream_id, event_id, state, attempts)
      SELECT stream.id, event.id, 'pending', 1 FROM stream JOIN event USING (job_id)`.execute(db);
  }
  await sql`VACUUM ANALYZE`.execute(db);
}
