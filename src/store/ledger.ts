import { sql } from 'kysely';
import type { DeliveryState } from '../domain/delivery-outcome.ts';
import type { Db } from './db.ts';

/** One attempt to deliver an event to a URL. */
export interface LedgerAttempt {
  readonly at: Date;
  readonly durationMs: number;
  /** HTTP status, null where there was no answer. */
  readonly status: number | null;
  /** Why it does not count as delivered, null where it does. */
  readonly error: string | null;
  /** First 2 KB of the answer. */
  readonly answer: string | null;
  /** Whether the receiver's certificate was verified; null over http. */
  readonly isTlsVerified: boolean | null;
}

/** An event on its way to one URL. */
export interface LedgerDelivery {
  readonly url: string;
  readonly state: DeliveryState;
  readonly deliveredAt: Date | null;
  /** When the stream it waits in may be tried; null where it waits for nothing. */
  readonly nextAttemptAt: Date | null;
  /** All attempts, oldest first, those before a replay too. */
  readonly attempts: readonly LedgerAttempt[];
}

/** An event of a job with its deliveries. */
export interface LedgerEvent {
  readonly eventId: number;
  readonly jobId: number;
  /** 0 for the job itself. */
  readonly taskNumber: number;
  readonly isEnd: boolean;
  readonly createdAt: Date;
  /** The frozen body. */
  readonly body: string;
  readonly deliveries: readonly LedgerDelivery[];
}

/** Events of one job that one call lists at most. */
export const MOST_LEDGER_EVENTS = 200;

interface EventRow {
  id: number;
  job_id: number;
  task_number: number;
  is_end: boolean;
  created_at: Date;
  body: string;
}

interface DeliveryRow {
  event_id: number;
  url: string;
  state: DeliveryState;
  delivered_at: Date | null;
  due_at: Date | null;
  attempts: {
    at: string;
    duration_ms: number;
    status: number | null;
    error: string | null;
    answer: string | null;
    tls_verified: boolean | null;
  }[];
}

/** A job's events in their order, after one of them, with what became of each at each URL. */
export async function listLedger(
  db: Db,
  jobId: number,
  afterEventId: number,
): Promise<readonly LedgerEvent[]> {
  const { rows } = await sql<EventRow>`
    SELECT id, job_id, task_number, is_end, created_at, body FROM events
    WHERE job_id = ${jobId} AND id > ${afterEventId}
    ORDER BY id LIMIT ${MOST_LEDGER_EVENTS}`.execute(db);
  const deliveries = await listDeliveries(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    eventId: row.id,
    jobId: row.job_id,
    taskNumber: row.task_number,
    isEnd: row.is_end,
    createdAt: row.created_at,
    body: row.body,
    deliveries: deliveries.get(row.id) ?? [],
  }));
}

async function listDeliveries(
  db: Db,
  eventIds: readonly number[],
): Promise<ReadonlyMap<number, readonly LedgerDelivery[]>> {
  const { rows } = await sql<DeliveryRow>`
    SELECT event_id, url, state, delivered_at, CASE WHEN state = 'pending' THEN due_at END AS due_at,
      coalesce((SELECT json_agg(json_build_object('at', at, 'duration_ms', duration_ms, 'status', status,
                                                  'error', error, 'answer', answer, 'tls_verified', tls_verified)
                                ORDER BY a.id)
                FROM delivery_attempts a WHERE delivery_id = d.id), '[]') AS attempts
    FROM deliveries d JOIN streams ON streams.id = stream_id
    WHERE event_id = ANY (${eventIds}::bigint[]) ORDER BY event_id, stream_id`.execute(db);
  const byEvent = new Map<number, LedgerDelivery[]>();
  for (const row of rows) {
    const its = byEvent.get(row.event_id) ?? [];
    its.push(fromRow(row));
    byEvent.set(row.event_id, its);
  }
  return byEvent;
}

const fromRow = (row: DeliveryRow): LedgerDelivery => ({
  url: row.url,
  state: row.state,
  deliveredAt: row.delivered_at,
  nextAttemptAt: row.due_at,
  attempts: row.attempts.map((attempt) => ({
    at: new Date(attempt.at),
    durationMs: attempt.duration_ms,
    status: attempt.status,
    error: attempt.error,
    answer: attempt.answer,
    isTlsVerified: attempt.tls_verified,
  })),
});
