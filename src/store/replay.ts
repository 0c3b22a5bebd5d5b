import { sql } from 'kysely';
import type { Db } from './db.ts';
import { CHANNELS } from './listen.ts';

/** Which deliveries are to be sent again; every part that is given must hold. */
export interface ReplaySelection {
  readonly tenantId: number;
  readonly jobId?: number | undefined;
  /** One event of the job. */
  readonly event?: { readonly taskNumber: number; readonly isEnd: boolean } | undefined;
  readonly url?: string | undefined;
  /** Events from this time on, included. */
  readonly from?: Date | undefined;
  /** Events before this time. */
  readonly to?: Date | undefined;
  /** Those that were delivered as well. */
  readonly withDelivered: boolean;
}

/** What a replay found. */
export interface Replayed {
  /** Deliveries that will be sent again, under the same event id, with a new schedule. */
  readonly replayed: number;
  /** Deliveries that were waiting for their next attempt, which is made now. */
  readonly hurried: number;
}

/** Deliveries that one call sends again at most; the rest stay for the next. */
export const MOST_REPLAYED = 10_000;

/**
 * Makes deliveries pending again, from the oldest on, and their streams due now. A stream sends what is
 * pending in the order of its events: what is replayed goes before newer events that still wait.
 */
export async function replayDeliveries(db: Db, selection: ReplaySelection): Promise<Replayed> {
  const { event, from, to } = selection;
  const { rows } = await sql<{ replayed: number; hurried: number }>`
    WITH chosen AS (
      SELECT d.id, d.stream_id, d.state
      FROM deliveries d JOIN events e ON e.id = d.event_id JOIN jobs ON jobs.id = e.job_id
        JOIN streams s ON s.id = d.stream_id
      WHERE jobs.tenant_id = ${selection.tenantId}
        AND (${selection.jobId ?? null}::bigint IS NULL OR e.job_id = ${selection.jobId ?? null})
        AND (${event === undefined} OR (e.task_number = ${event?.taskNumber ?? 0} AND e.is_end = ${event?.isEnd ?? false}))
        AND (${selection.url ?? null}::text IS NULL OR s.url = ${selection.url ?? null})
        AND (${from ?? null}::timestamptz IS NULL OR e.created_at >= ${from ?? null})
        AND (${to ?? null}::timestamptz IS NULL OR e.created_at < ${to ?? null})
        AND (d.state <> 'delivered' OR ${selection.withDelivered})
      ORDER BY d.event_id LIMIT ${MOST_REPLAYED}
    ), again AS (
      UPDATE deliveries d SET state = 'pending', attempts = 0, refusals = 0, faults = 0, delivered_at = NULL
      FROM chosen WHERE d.id = chosen.id AND chosen.state <> 'pending'
      RETURNING d.id
    ), stream AS (
      UPDATE streams SET due_at = now(), is_stopped = false
      WHERE id IN (SELECT stream_id FROM chosen)
      RETURNING id
    ), told AS (
      SELECT pg_notify(${CHANNELS.deliveries}, '') WHERE EXISTS (SELECT FROM stream)
    )
    SELECT (SELECT count(*) FROM again) AS replayed,
           (SELECT count(*) FROM chosen WHERE state = 'pending') AS hurried
    FROM (SELECT 1) AS one LEFT JOIN told ON true`.execute(db);
  return { replayed: rows[0]?.replayed ?? 0, hurried: rows[0]?.hurried ?? 0 };
}
