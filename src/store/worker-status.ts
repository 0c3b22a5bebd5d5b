import { sql } from 'kysely';
import type { Db } from './db.ts';

/** What one worker says of itself. */
export interface WorkerStatus {
  /** How Temporal knows it, `host/process@queue`. */
  readonly identity: string;
  readonly queue: string;
  /** What it does now: activities and workflow steps in hand. */
  readonly working: number;
}

/** Seconds after which a worker that says nothing counts as dead. */
const FRESH_SECONDS = 15;

/** Seconds for which a dead worker is remembered: as long as Temporal may go on listing its poller. */
const FORGET_SECONDS = 600;

/** Writes down what the workers of one process do, and forgets those that are long dead. */
export async function reportWorkers(db: Db, workers: readonly WorkerStatus[]): Promise<void> {
  await sql`
    WITH forgotten AS (
      DELETE FROM worker_status WHERE identity IN (
        SELECT identity FROM worker_status
        WHERE seen_at < clock_timestamp() - make_interval(secs => ${FORGET_SECONDS})
        FOR UPDATE SKIP LOCKED)
    )
    INSERT INTO worker_status (identity, queue, working)
    SELECT * FROM unnest(${workers.map((one) => one.identity)}::text[],
                         ${workers.map((one) => one.queue)}::text[],
                         ${workers.map((one) => one.working)}::integer[])
    ON CONFLICT (identity) DO UPDATE
      SET working = excluded.working, seen_at = clock_timestamp(), is_running = true`.execute(db);
}

/** Says that workers have stopped: they count no more, though Temporal lists them for a while. */
export async function reportStopped(db: Db, identities: readonly string[]): Promise<void> {
  await sql`
    UPDATE worker_status SET is_running = false, working = 0, seen_at = clock_timestamp()
    WHERE identity = ANY (${identities}::text[])`.execute(db);
}

/** A {@link WorkerStatus} as others read it. */
export interface ReportedWorker extends WorkerStatus {
  /** False: it has stopped, or said nothing for 15 s. */
  readonly isAlive: boolean;
}

/** Every worker that said something within ten minutes. */
export async function listWorkers(db: Db): Promise<readonly ReportedWorker[]> {
  const { rows } = await sql<WorkerStatus & { is_alive: boolean }>`
    SELECT identity, queue, working,
           is_running AND seen_at > clock_timestamp() - make_interval(secs => ${FRESH_SECONDS}) AS is_alive
    FROM worker_status ORDER BY identity`.execute(db);
  return rows.map(({ identity, queue, working, is_alive: isAlive }) => ({
    identity,
    queue,
    working,
    isAlive,
  }));
}
