import { sql } from 'kysely';
import type { Db } from '../../../src/store/db.ts';

/**
 * Watches a database's queue from inside: a trigger looks at every admission in the transaction that
 * makes it, when all of its rows are there and the tenant's lock is held, and counts the ends of jobs.
 */
export async function installWatch(db: Db): Promise<void> {
  await sql
    .raw(`
    CREATE TABLE watch_round (max_id bigint NOT NULL, started_at timestamptz NOT NULL);
    INSERT INTO watch_round VALUES (0, clock_timestamp());
    CREATE TABLE watch_faults (fault text NOT NULL);
    CREATE TABLE watch_ends (job_id bigint NOT NULL);
    CREATE FUNCTION watch_setting(tenant integer, wanted text, fallback integer) RETURNS integer
      LANGUAGE sql AS $$
        SELECT coalesce((SELECT setting::integer FROM settings
                         WHERE tenant_id = tenant AND name = wanted), fallback) $$;
    -- the rule of folders, said another way than the engine says it
    CREATE FUNCTION watch_below(folders text[], tops text[]) RETURNS boolean LANGUAGE sql AS $$
        SELECT EXISTS (SELECT FROM unnest(folders) f, unnest(tops) t WHERE starts_with(f || '/', t || '/')) $$;
    CREATE FUNCTION watch_clash(a jobs, b jobs) RETURNS boolean LANGUAGE sql AS $$
        SELECT EXISTS (SELECT unnest(a.writes_to) INTERSECT SELECT unnest(b.writes_to))
            OR (a.clears AND watch_below(b.writes_to || b.reads_from, a.writes_to))
            OR (b.clears AND watch_below(a.writes_to || a.reads_from, b.writes_to)) $$;
    CREATE FUNCTION watch_held(job jobs) RETURNS bigint LANGUAGE sql AS $$
        SELECT min(holder.id) FROM jobs holder
        WHERE holder.tenant_id = job.tenant_id AND holder.id <> job.id
          AND holder.started_at IS NOT NULL AND holder.ended_at IS NULL AND watch_clash(holder, job) $$;
    -- clashes with another than a given job that is paused or was put back, or may have been until this round
    CREATE FUNCTION watch_stalled(job jobs, given bigint) RETURNS boolean LANGUAGE sql AS $$
        SELECT EXISTS (SELECT FROM jobs holder, watch_round
                       WHERE holder.tenant_id = job.tenant_id AND holder.id NOT IN (job.id, given)
                         AND holder.started_at IS NOT NULL AND holder.ended_at IS NULL
                         AND (holder.queue_state IN (0, 6) OR holder.updated_at >= watch_round.started_at)
                         AND watch_clash(holder, job)) $$;
    -- a job that was ready before the round began, is ahead of this one in the queue and wants its folder
    CREATE FUNCTION watch_ahead(job jobs) RETURNS bigint LANGUAGE sql AS $$
        SELECT min(ahead.id) FROM jobs ahead, watch_round
        WHERE ahead.tenant_id = job.tenant_id AND ahead.queue_state = 0 AND ahead.started_at IS NULL
          AND (ahead.priority, ahead.id) < (job.priority, job.id)
          AND ahead.id <= max_id AND ahead.updated_at < watch_round.started_at
          AND watch_clash(ahead, job) AND NOT watch_stalled(ahead, job.id) $$;
    CREATE FUNCTION watch_job() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      most integer := watch_setting(NEW.tenant_id, 'max_jobs', 2);
      reserved integer := watch_setting(NEW.tenant_id, 'priority_slots', 0);
      threshold integer := watch_setting(NEW.tenant_id, 'priority_threshold', 5);
      held integer;
      ordinary integer;
    BEGIN
      IF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL THEN
        INSERT INTO watch_ends VALUES (NEW.id);
      END IF;
      IF OLD.ended_at IS NOT NULL AND NEW.queue_state IN (0, 1, 5, 6) THEN
        INSERT INTO watch_faults VALUES (format('job %s came back after its end', NEW.id));
      END IF;
      IF OLD.queue_state = 0 AND NEW.queue_state = 1 THEN
        SELECT count(*), count(*) FILTER (WHERE priority > threshold) INTO held, ordinary FROM jobs
        WHERE tenant_id = NEW.tenant_id AND ended_at IS NULL AND (queue_state = 1 OR is_leaving);
        IF held > most THEN
          INSERT INTO watch_faults VALUES (format('job %s admitted as %s of %s', NEW.id, held, most));
        END IF;
        IF NEW.priority > threshold AND ordinary > most - reserved THEN
          INSERT INTO watch_faults VALUES (format('job %s took a reserved slot', NEW.id));
        END IF;
        IF watch_held(NEW) IS NOT NULL THEN
          INSERT INTO watch_faults VALUES
            (format('job %s got a folder that job %s holds', NEW.id, watch_held(NEW)));
        END IF;
        IF OLD.started_at IS NULL AND watch_ahead(NEW) IS NOT NULL THEN
          INSERT INTO watch_faults VALUES
            (format('job %s got a folder before job %s', NEW.id, watch_ahead(NEW)));
        END IF;
        -- what was committed and unchanged before the round began may not be overtaken, but for its folder
        IF EXISTS (SELECT FROM jobs, watch_round
                   WHERE tenant_id = NEW.tenant_id AND queue_state = 0 AND id <= max_id
                     AND updated_at < watch_round.started_at
                     AND (priority, id) < (NEW.priority, NEW.id)
                     AND watch_held(jobs) IS NULL
                     AND NOT EXISTS (SELECT FROM jobs ahead
                                     WHERE ahead.tenant_id = jobs.tenant_id AND ahead.queue_state = 0
                                       AND ahead.started_at IS NULL
                                       AND (ahead.priority, ahead.id) < (jobs.priority, jobs.id)
                                       AND watch_clash(ahead, jobs))) THEN
          INSERT INTO watch_faults VALUES (format('job %s overtook another', NEW.id));
        END IF;
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER watch_job AFTER UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION watch_job();
  `)
    .execute(db);
}

/** Marks the beginning of a round of things that happen at once. */
export async function beginRound(db: Db): Promise<void> {
  await sql`UPDATE watch_round
    SET max_id = coalesce((SELECT max(id) FROM jobs), 0), started_at = clock_timestamp()`.execute(
    db,
  );
}

/** What the trigger has found wrong so far. */
export async function listFaults(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ fault: string }>`SELECT fault FROM watch_faults`.execute(db);
  return rows.map((row) => row.fault);
}

/** Slots held and `max_jobs`, by tenant. */
export async function countSlots(
  db: Db,
): Promise<ReadonlyMap<number, { readonly held: number; readonly maxJobs: number }>> {
  const { rows } = await sql<{ tenant_id: number; held: number; max_jobs: number }>`
    SELECT tenants.id AS tenant_id, watch_setting(tenants.id, 'max_jobs', 2) AS max_jobs,
           count(jobs.id) AS held
    FROM tenants LEFT JOIN jobs ON tenant_id = tenants.id AND ended_at IS NULL
      AND (queue_state = 1 OR is_leaving)
    GROUP BY tenants.id`.execute(db);
  return new Map(rows.map((row) => [row.tenant_id, { held: row.held, maxJobs: row.max_jobs }]));
}

/** Lets time pass for what waits for it: claims lapse, and the reconciler looks at what was started. */
export async function letTimePass(db: Db): Promise<void> {
  await sql`UPDATE outbox SET due_at = due_at - interval '1 minute'`.execute(db);
  await sql`UPDATE jobs SET dispatched_at = dispatched_at - interval '1 minute'
            WHERE ended_at IS NULL AND dispatched_at IS NOT NULL`.execute(db);
}

/** What became of every job. */
export interface Outcome {
  readonly id: number;
  readonly contentId: string;
  readonly state: number;
  readonly hasEnded: boolean;
  readonly isFailed: boolean;
  /** Times its end was written, and job ends told. */
  readonly ends: number;
  readonly endEvents: number;
}

export async function listOutcomes(db: Db): Promise<readonly Outcome[]> {
  const { rows } = await sql<Outcome>`
    SELECT id, content_id AS "contentId", queue_state AS state, ended_at IS NOT NULL AS "hasEnded",
           failed AS "isFailed",
           (SELECT count(*) FROM watch_ends WHERE job_id = jobs.id) AS ends,
           (SELECT count(*) FROM events WHERE job_id = jobs.id AND task_number = 0) AS "endEvents"
    FROM jobs`.execute(db);
  return rows;
}

/** Entries that Temporal has not been told. */
export async function countOutbox(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM outbox`.execute(db);
  return rows[0]?.count ?? 0;
}
