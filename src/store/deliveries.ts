import { sql } from 'kysely';
import { SEVERITIES, type Severity } from '../domain/severity.ts';
import { type Db, inTransaction } from './db.ts';
import { logText } from './logs.ts';

/** An endpoint with deliveries that are due and nobody sending them. */
export interface IdleEndpoint {
  readonly endpointId: number;
  readonly tenant: string;
  readonly origin: string;
}

/** A stream held by a sender: one job's callbacks to one URL. */
export interface ClaimedStream {
  readonly streamId: number;
  readonly jobId: number;
  readonly url: string;
  readonly tenantId: number;
  readonly allowedNetworks: readonly string[];
  /** Headers that go with the tenant's callbacks, their values sealed. */
  readonly sealedHeaders: Readonly<Record<string, string>>;
  /** What proves the hold: it changes at each renewal and is worth nothing once another sender has one. */
  readonly claim: string;
}

/** A delivery that is still to be made. */
export interface PendingDelivery {
  readonly deliveryId: number;
  readonly eventId: number;
  readonly body: string;
  /** Attempts made so far. */
  readonly attempts: number;
}

/** What one attempt gave. */
export interface DeliveryAttempt {
  readonly at: Date;
  readonly durationMs: number;
  /** HTTP status, null where there was no answer. */
  readonly status: number | null;
  /** Why there was none, or why it does not count as success. */
  readonly error: string | null;
  /** First 2 KB of the answer. */
  readonly answer: string | null;
}

/** How long an endpoint is left to the workflow that was told of it to begin, seconds. */
const HANDOVER_SECONDS = 5;

/**
 * Endpoints that need a delivery workflow now. They are taken as drained for a few seconds, the time
 * a workflow needs to begin, so that each is told of once and not at every new delivery.
 */
export async function claimIdleEndpoints(db: Db, limit: number): Promise<readonly IdleEndpoint[]> {
  const { rows } = await sql<{ id: number; tenant: string; origin: string }>`
    WITH idle AS (
      SELECT id FROM endpoints e
      WHERE drained_until < now() AND EXISTS (
        SELECT FROM streams WHERE endpoint_id = e.id AND due_at <= now() AND claimed_until < now())
      LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE endpoints e SET drained_until = now() + make_interval(secs => ${HANDOVER_SECONDS})
    FROM idle, tenants
    WHERE e.id = idle.id AND tenants.id = tenant_id
    RETURNING e.id, tenants.name AS tenant, origin`.execute(db);
  return rows.map((row) => ({ endpointId: row.id, tenant: row.tenant, origin: row.origin }));
}

/** Says that a drain is at work on an endpoint for the next `seconds`; 0 ends it. */
export async function markDrained(db: Db, endpointId: number, seconds: number): Promise<void> {
  await sql`
    UPDATE endpoints SET drained_until = now() + make_interval(secs => ${seconds})
    WHERE id = ${endpointId}`.execute(db);
}

/** Takes up to `limit` due streams of an endpoint for `seconds`. */
export async function claimStreams(
  db: Db,
  endpointId: number,
  limit: number,
  seconds: number,
): Promise<readonly ClaimedStream[]> {
  const { rows } = await sql<{
    id: number;
    job_id: number;
    url: string;
    tenant_id: number;
    allowed_networks: string[];
    headers: Record<string, string>;
    claim: string;
  }>`
    WITH due AS (
      SELECT id FROM streams
      WHERE endpoint_id = ${endpointId} AND due_at <= now() AND claimed_until < now()
      ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE streams s SET claimed_until = now() + make_interval(secs => ${seconds})
    FROM due, endpoints e JOIN tenants t ON t.id = e.tenant_id
    WHERE s.id = due.id AND e.id = s.endpoint_id
    RETURNING s.id, s.job_id, s.url, t.id AS tenant_id, t.allowed_networks,
      coalesce((SELECT jsonb_object_agg(name, sealed) FROM callback_headers WHERE tenant_id = t.id), '{}')
        AS headers,
      s.claimed_until::text AS claim`.execute(db);
  return rows.map((row) => ({
    streamId: row.id,
    jobId: row.job_id,
    url: row.url,
    tenantId: row.tenant_id,
    allowedNetworks: row.allowed_networks,
    sealedHeaders: row.headers,
    claim: row.claim,
  }));
}

/** The pending deliveries of a stream, oldest first. */
export async function listPendingDeliveries(
  db: Db,
  streamId: number,
  limit: number,
): Promise<readonly PendingDelivery[]> {
  const { rows } = await sql<{ id: number; event_id: number; body: string; attempts: number }>`
    SELECT d.id, event_id, body, attempts FROM deliveries d JOIN events ON events.id = event_id
    WHERE stream_id = ${streamId} AND state = 'pending' ORDER BY event_id LIMIT ${limit}`.execute(
    db,
  );
  return rows.map((row) => ({
    deliveryId: row.id,
    eventId: row.event_id,
    body: row.body,
    attempts: row.attempts,
  }));
}

/** The row that an attempt leaves in the job's log. */
export interface DeliveryLog {
  readonly severity: Severity;
  readonly message: string;
  /** False: shown only with `show_all=1`. */
  readonly isVisible: boolean;
}

/**
 * Records an attempt, what it makes of the delivery, a row of the job's log, and holds the stream for
 * `claimSeconds` more. Returns the renewed claim, or undefined where another sender has taken the stream
 * meanwhile: then a success still counts, a failure decides and logs nothing, and the caller must send no
 * more of it.
 */
export async function recordAttempt(
  db: Db,
  record: {
    readonly stream: {
      readonly streamId: number;
      readonly jobId: number;
      readonly claim: string;
    };
    readonly deliveryId: number;
    readonly attempt: DeliveryAttempt;
    readonly state: 'pending' | 'delivered' | 'exhausted';
    readonly claimSeconds: number;
    readonly log: DeliveryLog;
  },
): Promise<string | undefined> {
  const { stream, deliveryId, attempt, state, log } = record;
  const isDelivered = state === 'delivered';
  const { rows } = await sql<{ claim: string }>`
    WITH stream AS (
      UPDATE streams SET claimed_until = now() + make_interval(secs => ${record.claimSeconds})
      WHERE id = ${stream.streamId} AND claimed_until = ${stream.claim}::timestamptz
      RETURNING claimed_until::text AS claim
    ), attempt AS (
      INSERT INTO delivery_attempts (delivery_id, at, duration_ms, status, error, answer)
      VALUES (${deliveryId}, ${attempt.at}, ${attempt.durationMs}, ${attempt.status}, ${attempt.error},
              ${attempt.answer})
    ), delivery AS (
      UPDATE deliveries SET state = ${state}, attempts = attempts + 1,
        delivered_at = ${isDelivered ? attempt.at : null}
      WHERE id = ${deliveryId} AND state = 'pending'
        AND (${isDelivered} OR EXISTS (SELECT FROM stream))
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message, visible)
      SELECT ${stream.jobId}::bigint, ${SEVERITIES.indexOf(log.severity)}::smallint, 'callback',
             ${logText(log.message)}, ${log.isVisible}::boolean
      WHERE ${isDelivered} OR EXISTS (SELECT FROM stream)
    )
    SELECT claim FROM stream`.execute(db);
  return rows[0]?.claim;
}

/**
 * Gives a stream back. With `retrySeconds` its oldest delivery is tried again then; without, it is
 * due at once if anything is pending, else idle. A stream that another sender holds is left alone.
 */
export async function releaseStream(
  db: Db,
  stream: { readonly streamId: number; readonly claim: string },
  retrySeconds: number | undefined,
): Promise<void> {
  const { streamId, claim } = stream;
  if (retrySeconds !== undefined) {
    await sql`
      UPDATE streams SET claimed_until = '-infinity', due_at = now() + make_interval(secs => ${retrySeconds})
      WHERE id = ${streamId} AND claimed_until = ${claim}::timestamptz`.execute(db);
    return;
  }
  // two statements: what an event's transaction added is seen only by one that begins after its commit
  await inTransaction(db, async (transaction) => {
    await sql`SELECT FROM streams WHERE id = ${streamId} FOR UPDATE`.execute(transaction);
    await sql`
      UPDATE streams SET claimed_until = '-infinity', due_at = CASE
        WHEN EXISTS (SELECT FROM deliveries WHERE stream_id = ${streamId} AND state = 'pending')
        THEN now() END
      WHERE id = ${streamId} AND claimed_until = ${claim}::timestamptz`.execute(transaction);
  });
}

/** Where an endpoint stands. */
export interface EndpointBacklog {
  /** Streams with something pending. */
  readonly streams: number;
  /** Seconds until the next one is due, null where none is pending. */
  readonly nextDueSeconds: number | null;
}

/** What is left to send to an endpoint, and when. */
export async function getBacklog(db: Db, endpointId: number): Promise<EndpointBacklog> {
  const { rows } = await sql<{ streams: number; seconds: number | null }>`
    SELECT count(*) AS streams,
           extract(epoch FROM min(greatest(due_at, claimed_until)) - now())::float8 AS seconds
    FROM streams WHERE endpoint_id = ${endpointId} AND due_at IS NOT NULL`.execute(db);
  const row = rows[0];
  return {
    streams: row?.streams ?? 0,
    nextDueSeconds: row === undefined || row.seconds === null ? null : Math.max(0, row.seconds),
  };
}
