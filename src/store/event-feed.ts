import { sql } from 'kysely';
import type { Db } from './db.ts';

/** An event as the feed gives it. */
export interface FeedEvent {
  /** Its place in the feed; grows, with gaps. */
  readonly seq: number;
  readonly jobId: number;
  readonly taskNumber: number;
  readonly isEnd: boolean;
  readonly body: string;
}

/** A part of a tenant's feed. */
export interface FeedPage {
  readonly events: readonly FeedEvent[];
  /** Where to go on: everything up to it was looked at. */
  readonly next: number;
}

/** Ids looked through in one call: a tenant of few events among many pays no more than this. */
const WINDOW = 20_000;

/** A transaction that has written nothing for so long will not come up with an older event, seconds. */
const STALE_SECONDS = 60;

interface FeedRow {
  id: number;
  job_id: number;
  task_number: number;
  is_end: boolean;
  body: string;
}

/**
 * The time before which no event will come up any more: the start of the oldest transaction under way
 * that may still write. Asked for before the events are read; the other way round one could commit in
 * between and be passed over.
 */
async function settledUntil(db: Db): Promise<string> {
  const { rows } = await sql<{ at: string }>`
    SELECT least(clock_timestamp(), min(xact_start))::text AS at FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND (backend_xid IS NOT NULL
           OR xact_start > clock_timestamp() - make_interval(secs => ${STALE_SECONDS}))`.execute(
    db,
  );
  return rows[0]?.at ?? '-infinity';
}

/**
 * A tenant's events after `after`, in the order of their numbers, `limit` at most. Numbers are drawn
 * before transactions commit, so one may appear after a higher one: what is younger than the oldest
 * transaction still under way is kept for later, so that nothing is passed over.
 */
export async function readFeed(
  db: Db,
  tenantId: number,
  after: number,
  limit: number,
): Promise<FeedPage> {
  const settled = await settledUntil(db);
  const { rows: range } = await sql<{ last: number | null }>`
    SELECT max(id) AS last FROM (
      SELECT id FROM events
      WHERE id > ${after} AND id < coalesce(
        (SELECT min(id) FROM (SELECT id, created_at FROM events WHERE id > ${after} ORDER BY id LIMIT ${WINDOW}) AS near
         WHERE created_at >= ${settled}::timestamptz), 9223372036854775807)
      ORDER BY id LIMIT ${WINDOW}) AS looked`.execute(db);
  const last = range[0]?.last ?? after;
  const { rows } = await sql<FeedRow>`
    SELECT events.id, job_id, task_number, is_end, body FROM events JOIN jobs ON jobs.id = job_id
    WHERE events.id > ${after} AND events.id <= ${last} AND tenant_id = ${tenantId}
    ORDER BY events.id LIMIT ${limit}`.execute(db);
  const events = rows.map((row) => ({
    seq: row.id,
    jobId: row.job_id,
    taskNumber: row.task_number,
    isEnd: row.is_end,
    body: row.body,
  }));
  // a full part ends at its last event, any other where it was looked up to
  return { events, next: events.length === limit ? (events.at(-1)?.seq ?? last) : last };
}
